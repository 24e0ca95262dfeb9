"""A relying party: what it is told of a card's certificates by OCSP and by lists, with OpenSSL."""

import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from app.card_operations.certificates import active_certificate, revoke
from app.domain.card_lifecycle import CardEvent
from app.domain.revocation import RevocationReason
from app.extensions import db
from app.models import Card, Certificate
from reader_bridge.contract import Slot
from tests.card_operations.conftest import Counter
from tests.interop.conftest import Tools
from tests.interop.test_issued_cards import PASSCODE, pem
from tests.parts.authority_server import serving


@pytest.fixture
def origin(app, office, clock) -> Iterator[str]:
    """Where the certificates of this test say that they can be asked about."""
    clock.set(datetime.now(UTC))  # as OpenSSL's
    with serving(app) as origin:
        office.config["PKI_ORIGIN"] = origin
        yield origin


@pytest.fixture
def card(counter: Counter, holder, origin) -> Card:
    counter.put_in("digits-3des")
    return counter.issue(holder, passcode=PASSCODE)


class RelyingParty:
    """Keeps the authorities' certificates, and asks where a certificate says."""

    def __init__(self, tools: Tools, authorities: dict[str, x509.Certificate], root) -> None:
        self.tools, self._authorities = tools, authorities
        self._write("root.pem", root)
        self._write("chain.pem", *authorities.values())

    def verdicts(self, row: Certificate) -> set[str]:
        """What is said of a certificate by OCSP, by its own list, and by the whole list."""
        certificate = read(row)
        self._write("asked.pem", certificate)
        self._write("issuer.pem", self._authorities[row.issuer])
        shard = list_of(certificate)
        whole = shard.rsplit("/", 1)[0] + ".crl"
        return {self._by_ocsp(certificate), self._by_list(shard), self._by_list(whole)}

    def fetch_list(self, url: str) -> str:
        """Fetch a list as it is now, and return it as PEM."""
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - of our own server
            (self.tools.folder / "list.der").write_bytes(answer.read())
        return self.tools.run("openssl", "crl", "-inform", "DER", "-in", "list.der")

    def _by_ocsp(self, certificate: x509.Certificate) -> str:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
        (url,) = (
            each.access_location.value
            for each in found.value
            if each.access_method == AuthorityInformationAccessOID.OCSP
        )
        told = self.tools.run(
            "openssl", "ocsp", "-issuer", "issuer.pem", "-cert", "asked.pem", "-url", url,
            "-CAfile", "root.pem", "-verify_other", "chain.pem",
        )  # fmt: skip
        assert "Response verify OK" in told
        if "asked.pem: good" in told:
            return "good"
        assert "asked.pem: revoked" in told
        return told.split("Reason: ")[1].split()[0]

    def _by_list(self, url: str) -> str:
        (self.tools.folder / "list.pem").write_text(self.fetch_list(url))
        told = self.tools.run(
            "openssl", "verify", "-x509_strict", "-crl_check", "-CRLfile", "list.pem",
            "-CAfile", "root.pem", "-untrusted", "chain.pem", "asked.pem", succeeds=None,
        )  # fmt: skip
        if "asked.pem: OK" in told:
            return "good"
        assert "certificate revoked" in told
        made = x509.load_der_x509_crl((self.tools.folder / "list.der").read_bytes())
        asked = x509.load_pem_x509_certificate((self.tools.folder / "asked.pem").read_bytes())
        entry = made.get_revoked_certificate_by_serial_number(asked.serial_number)
        assert entry is not None
        return str(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value)

    def _write(self, name: str, *certificates: x509.Certificate) -> None:
        (self.tools.folder / name).write_bytes(b"".join(map(pem, certificates)))


@pytest.fixture
def relying_party(tools, office) -> RelyingParty:
    issuer = office.issuer
    authorities = {name: each.certificate for name, each in issuer.authorities.items()}
    return RelyingParty(tools, authorities, issuer.roots[0])


def read(row: Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(row.der)


def list_of(certificate: x509.Certificate) -> str:
    """The address of the list that a certificate names."""
    (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert point.full_name is not None
    return str(point.full_name[0].value)


def current(card: Card, slot: Slot) -> Certificate:
    found = active_certificate(card, slot)
    assert found is not None
    return found


def suspend(card: Card, counter: Counter) -> None:
    card.apply(CardEvent.SUSPEND, now=counter.now)
    db.session.commit()


def resume(card: Card, counter: Counter) -> None:
    card.apply(CardEvent.RESUME, now=counter.now)
    db.session.commit()


def cancel(card: Card, counter: Counter) -> None:
    card.apply(CardEvent.CANCEL, now=counter.now)
    for certificate in card.certificates:
        revoke(certificate, RevocationReason.KEY_COMPROMISE, counter.now)
    db.session.commit()
