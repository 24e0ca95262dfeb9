"""A mail server may be silent, slow, rude or somebody else: mail waits, and is not told to it."""

import asyncio
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.extensions import db
from app.services import outbox
from tests.parts.smtp import HOST, MailCatcher, mail_catcher, mail_settings

pytestmark = pytest.mark.usefixtures("db_session")

ONCE = outbox.Delivery(delivered=1)
LATER = outbox.Delivery(later=1)


@pytest.fixture
def server(app):
    """The settings of a real mail server, that the application uses from now on."""
    with mail_settings(app) as use:
        yield use


@pytest.fixture
def message(clock):
    """A message that is due."""
    queued = outbox.queue(
        "ada@northmere.nhs.uk", "contact-details-changed", now=clock(), name="Ada", fields=[]
    )
    db.session.commit()
    return queued


@pytest.mark.parametrize("over_tls", [False, True])
def test_a_server_that_says_nothing_is_left_and_asked_again_later(message, server, clock, over_tls):
    with socket.create_server((HOST, 0)) as silent:
        server(silent.getsockname()[1], MAIL_TIMEOUT=0.3, MAIL_USE_SSL=over_tls)
        assert outbox.deliver(clock) == LATER
    assert message.delivered_at is None
    assert message.not_before == clock() + outbox.BACK_OFF[0]


class Slow(MailCatcher):
    """Takes its time for each answer."""

    seconds = 0.45

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        await asyncio.sleep(self.seconds)
        return responses

    async def handle_MAIL(self, _server, _session, envelope, address, _options):  # noqa: N802
        envelope.mail_from = address
        await asyncio.sleep(self.seconds)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        envelope.rcpt_tos.append(address)
        await asyncio.sleep(self.seconds)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        await asyncio.sleep(self.seconds)
        return await super().handle_DATA(server, session, envelope)


def test_a_server_that_is_slow_with_every_answer_does_not_keep_a_message_for_ever(
    message, server, clock
):
    with mail_catcher(Slow()) as catcher:
        server(catcher.port, MAIL_TIMEOUT=Slow.seconds + 0.05)
        assert outbox.deliver(clock) == LATER
    assert message.delivered_at is None


def test_a_server_that_is_slow_but_not_too_slow_is_waited_for(message, server, clock):
    with mail_catcher(Slow()) as catcher:
        server(catcher.port, MAIL_TIMEOUT=20)
        assert outbox.deliver(clock) == ONCE
        assert len(catcher.messages) == 1


class Rude(MailCatcher):
    """Takes a message, and is gone without a goodbye."""

    async def handle_QUIT(self, server, _session, _envelope):  # noqa: N802
        server.transport.abort()
        return "221 gone"


def test_a_message_that_was_taken_is_delivered_whatever_the_goodbye(message, server, clock):
    with mail_catcher(Rude()) as catcher:
        server(catcher.port)
        assert outbox.deliver(clock) == ONCE
        clock.advance(days=1)
        assert outbox.deliver(clock) == outbox.Delivery()
        assert len(catcher.messages) == 1
    assert message.last_error is None


class Identity:
    """A key with a certificate that it has given itself, for a name or an address."""

    def __init__(self, folder, of: x509.GeneralName, days: int = 1) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Northmere mail relay")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([of]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        self.ca_file = str(folder / "ca.pem")
        own = folder / "own.pem"
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        (folder / "ca.pem").write_bytes(pem)
        own.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + pem
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(own)


US = x509.IPAddress(ipaddress.ip_address(HOST))
SOMEBODY = x509.DNSName("mail.example.org")

WAYS = pytest.mark.parametrize(
    ("setting", "argument"),
    [("MAIL_USE_TLS", "tls_context"), ("MAIL_USE_SSL", "ssl_context")],
    ids=["starttls", "from the first byte"],
)


def of_the_relay(identity, argument, logins):
    """A mail server with this identity that takes every password, and keeps it."""

    def login(_mechanism, _name, password):
        logins.append(password)
        return True

    return mail_catcher(**{argument: identity.context}, auth_callback=login, auth_require_tls=False)


def sign_in(setting, ca_file):
    return {
        setting: True,
        "MAIL_CA_FILE": ca_file,
        "MAIL_USERNAME": "cards",
        "MAIL_PASSWORD": "correct horse",
    }


@WAYS
def test_a_server_of_an_authority_that_is_named_is_trusted(
    message, server, clock, tmp_path, setting, argument
):
    identity, logins = Identity(tmp_path, US), []
    with of_the_relay(identity, argument, logins) as catcher:
        server(catcher.port, **sign_in(setting, identity.ca_file))
        assert outbox.deliver(clock) == ONCE
        assert len(catcher.messages) == 1
    assert logins == [b"correct horse"]
    assert message.delivered_at == clock()


@WAYS
@pytest.mark.parametrize(
    ("of", "days", "known"),
    [(US, 1, False), (SOMEBODY, 1, True), (US, -1, True)],
    ids=["of nobody's authority", "somebody else's", "expired"],
)
def test_a_server_that_cannot_show_who_it_is_is_told_neither_password_nor_mail(
    message, server, clock, tmp_path, setting, argument, of, days, known
):
    identity, logins = Identity(tmp_path, of, days), []
    with of_the_relay(identity, argument, logins) as catcher:
        server(catcher.port, **sign_in(setting, identity.ca_file if known else None))
        assert outbox.deliver(clock) == LATER
        assert catcher.messages == []
    assert logins == []
    assert message.last_error.startswith("SSLCertVerificationError")


def test_a_server_without_tls_is_told_nothing_where_tls_is_wanted(message, server, clock):
    with mail_catcher() as catcher:
        server(catcher.port, MAIL_USE_TLS=True)
        assert outbox.deliver(clock) == LATER
        assert catcher.messages == []
    assert message.last_error == "SMTPNotSupportedError"
