"""Cards that the service has issued, in other people's programs, and then back in the service.

A passcode that was changed elsewhere is the holder's passcode; a key or an identifier that was
changed elsewhere is noticed, and why nobody could sign in is in the audit log.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.card_operations import sign_in
from app.card_operations.answers import CardAnswered
from app.card_operations.refusals import CardNotVerified
from app.domain.errors import SignInRefused
from app.extensions import db
from app.models import AuditEvent, Card, Certificate
from app.services import sign_in as signing_in
from reader_bridge.contract import Algorithm
from tests.card_operations.conftest import (
    Counter,
    bridge,
    counter,
    holder,
    office,
    pki_folder,
)
from tests.interop.test_other_peoples_programs import YUBICO, pkcs11_module
from tests.parts.bridge import READER_1
from tests.parts.pcscd import PrivatePcscd
from tests.pcsc.program import Program

__all__ = ["bridge", "counter", "holder", "office", "pki_folder"]

PASSCODE, NEW = "738291", "460917"
OBJECTS = {"9a": "01", "9c": "02", "9e": "04"}  # OpenSC's numbers of the slots
FORMS = {Algorithm.ES256: ("ECDSA-SHA256", "openssl"), Algorithm.RS256: ("SHA256-RSA-PKCS", "rs")}


@pytest.fixture
def elsewhere(counter, private_pcscd, tmp_path) -> Callable[[], None]:
    """Takes the card out of the service's reader and puts it into one of PC/SC."""

    def move() -> None:
        counter.page.desk("remove", reader=READER_1)
        private_pcscd.insert(0, tmp_path / "cards" / "one.json")
        with Program(private_pcscd.environment) as program:
            program.wait(PrivatePcscd.reader(0), present=True)

    return move


@pytest.fixture
def back(counter, private_pcscd) -> Callable[[], None]:
    """Takes it back to the service."""

    def move() -> None:
        private_pcscd.remove(0)
        counter.page.desk("insert", card="one", reader=READER_1)

    return move


@pytest.fixture
def card(counter: Counter, holder, elsewhere) -> Card:
    """A card with P-256 keys, issued, and put into a reader of PC/SC."""
    return issued(counter, holder, Algorithm.ES256, elsewhere)


def issued(counter: Counter, holder, algorithm: Algorithm, elsewhere) -> Card:
    counter.put_in("digits-3des")
    card = counter.issue(holder, passcode=PASSCODE, algorithm=algorithm)
    elsewhere()
    return card


def managing(counter: Counter) -> tuple[str, ...]:
    """Yubico's tool with the management key that the service gave the card."""
    return (*YUBICO, f"-k{counter.chip().management_key.hex()}")


def puk(counter: Counter) -> str:
    return counter.chip().puk.value.decode()


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_an_issued_card_is_dumped_verified_and_signs_with_9a_and_9c(
    counter, holder, office, elsewhere, tools, algorithm
):
    card = issued(counter, holder, algorithm, elsewhere)
    assert card.guid in tools.run(*YUBICO, "-a", "status")
    told = tools.run("pkcs15-tool", "--dump")
    mechanism, form = FORMS[algorithm]
    (tools.folder / "message").write_bytes(b"message")
    for name, held in (("root", office.issuer.roots), ("chain", office.issuer.intermediates)):
        (tools.folder / f"{name}.pem").write_bytes(b"".join(map(pem, held)))
    for slot, number in OBJECTS.items():
        tools.run("pkcs15-tool", "--read-certificate", number, "-o", f"{slot}.crt")
        read = x509.load_pem_x509_certificate((tools.folder / f"{slot}.crt").read_bytes())
        row = db.session.scalars(select(Certificate).filter_by(card_id=card.id, slot=slot)).one()
        assert read.public_bytes(Encoding.DER) == row.der
        verify = ("openssl", "verify", "-CAfile", "root.pem", "-untrusted", "chain.pem")
        assert "OK" in tools.run(*verify, f"{slot}.crt")
    for slot, label in (("9a", "PIV AUTH key"), ("9c", "SIGN key")):
        assert f"[{label}]" in told
        pkcs11 = ("pkcs11-tool", "--module", pkcs11_module(), "--id", OBJECTS[slot])
        signs = (*pkcs11, "-m", mechanism, "-i", "message", "-f", form)
        tools.run(*signs, "--login", "--pin", PASSCODE, "--sign", "-o", "signature")
        verified = tools.run(*signs, "--verify", "--signature-file", "signature")
        assert "Signature is valid" in verified
        read = x509.load_pem_x509_certificate((tools.folder / f"{slot}.crt").read_bytes())
        public = read.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tools.folder / "public.pem").write_bytes(public)
        checked = ("-verify", "public.pem", "-signature", "signature", "message")
        assert "Verified OK" in tools.run("openssl", "dgst", "-sha256", *checked)


def test_a_passcode_changed_elsewhere_is_the_one_to_sign_in_with(counter, card, tools, back):
    tools.run(*YUBICO, "-a", "change-pin", "-P", PASSCODE, "-N", NEW)
    back()
    refused = counter.run(counter.start_sign_in(card), passcode=PASSCODE)
    assert isinstance(refused, CardAnswered)
    assert refused.code == "wrong-passcode"
    assert counter.sign_in(card, passcode=NEW).card_id == card.id


def test_a_card_unblocked_elsewhere_signs_in_with_its_new_passcode(counter, card, tools, back):
    while counter.chip().passcode.left:
        tools.run(*YUBICO, "-a", "verify-pin", "-P", "999999", succeeds=False)
    tools.run(*YUBICO, "-a", "unblock-pin", "-P", puk(counter), "-N", NEW)
    back()
    assert counter.sign_in(card, passcode=NEW).card_id == card.id


def test_a_puk_changed_elsewhere_does_not_keep_the_holder_out(counter, card, tools, back):
    tools.run(*YUBICO, "-a", "change-puk", "-P", puk(counter), "-N", "87654321")
    back()
    assert counter.sign_in(card, passcode=PASSCODE).card_id == card.id


def test_a_key_made_anew_elsewhere_signs_nobody_in_and_the_log_says_why(counter, card, tools, back):
    tools.run(*managing(counter), "-a", "generate", "-s", "9a", "-A", "ECCP256", "-o", "9a.pub")
    back()
    with pytest.raises(CardNotVerified) as refused:
        counter.sign_in(card, passcode=PASSCODE)
    assert refused.value.facts == {}  # nothing that a page could tell from another cause
    event = last_sign_in()
    assert event.subject_card_id == card.id
    assert event.facts["problem"].startswith("signature")


def test_a_card_whose_identifier_was_rewritten_is_unknown_and_the_log_says_so(
    counter, card, tools, back
):
    tools.run(*managing(counter), "-a", "set-chuid")
    back()
    shown = counter.page.read_card(READER_1)
    assert shown["guid"] != card.guid
    with pytest.raises(SignInRefused) as refused:
        signing_in.start(
            guid=shown["guid"], office=counter.office, now=counter.now, **counter.at_the_bridge()
        )
    assert refused.value.reason == "unknown-card"
    assert last_sign_in().facts == {"reason": "unknown-card", "guid": shown["guid"]}


def test_a_certificate_removed_elsewhere_keeps_nobody_out(counter, card, tools, back):
    """The service believes the key that it knows, not the object on the card."""
    tools.run(*managing(counter), "-a", "delete-certificate", "-s", "9a")
    back()
    seen = sign_in.recognise(card.guid, None, office=counter.office, now=datetime.now(UTC))
    assert seen.refusal is None
    assert counter.sign_in(card, passcode=PASSCODE).card_id == card.id


def last_sign_in() -> AuditEvent:
    return db.session.scalars(
        select(AuditEvent).filter_by(event="sign-in").order_by(AuditEvent.id.desc()).limit(1)
    ).one()
