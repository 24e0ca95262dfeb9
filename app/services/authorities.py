"""What there is to know of the certificate authority, for whoever is to trust it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from app.pki.addresses import certificate_address, crl_address, ocsp_address
from app.pki.authority import Issuer
from app.pki.making import NAMES, ROOT


@dataclass(frozen=True, kw_only=True)
class ShownAuthority:
    """One authority. ``line`` says what it signs, ``succeeded`` that another does so by now."""

    name: str
    line: str
    title: str
    ends: datetime
    fingerprint: str
    certificate: str
    revoked: str | None
    succeeded: bool = False


def shown(issuer: Issuer) -> list[ShownAuthority]:
    """The root, then the issuing authorities."""
    revoked = None if issuer.root_list is None else crl_address(issuer.origin, ROOT)
    return [
        _shown(issuer, ROOT, ROOT, issuer.roots[0], revoked, succeeded=False),
        *_issuing(issuer),
    ]


def ocsp_url(issuer: Issuer) -> str:
    return ocsp_address(issuer.origin)


def _issuing(issuer: Issuer) -> Iterator[ShownAuthority]:
    lines = {name: found[1] for name in issuer.authorities if (found := NAMES.fullmatch(name))}
    newest = {line: name for name, line in lines.items()}  # each line has its newest last
    for name, line in lines.items():
        certificate = issuer.authorities[name].certificate
        revoked = crl_address(issuer.origin, name)
        yield _shown(issuer, name, line, certificate, revoked, succeeded=newest[line] != name)


def _shown(
    issuer: Issuer,
    name: str,
    line: str,
    certificate: x509.Certificate,
    revoked: str | None,
    *,
    succeeded: bool,
) -> ShownAuthority:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return ShownAuthority(
        name=name,
        line=line,
        title=str(names[0].value),
        ends=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        certificate=certificate_address(issuer.origin, name),
        revoked=revoked,
        succeeded=succeeded,
    )
