"""Lists of revoked certificates (RFC 5280, 5): all of an authority's, or one shard of them.

A list of 100,000 is made in well under a second, a shard of it in milliseconds.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app.domain.revocation import RevocationReason
from app.pki import der
from app.pki.authority import Authority
from app.pki.making import key_identifier_of

LIFE = timedelta(hours=24)  # whoever has fetched a list may rely on it for so long
FRESH = timedelta(hours=1)  # an unchanged list is signed again when it is older and asked for

CODES = {
    RevocationReason.UNSPECIFIED: None,  # RFC 5280, 5.3.1: left out
    RevocationReason.KEY_COMPROMISE: 1,
    RevocationReason.AFFILIATION_CHANGED: 3,
    RevocationReason.SUPERSEDED: 4,
    RevocationReason.CESSATION_OF_OPERATION: 5,
    RevocationReason.CERTIFICATE_HOLD: 6,
    RevocationReason.PRIVILEGE_WITHDRAWN: 9,
}

Entry = tuple[str, datetime, RevocationReason | None]  # serial in hex, since, why


def sign(
    authority: Authority,
    entries: Iterable[Entry],
    *,
    number: int,
    now: datetime,
    next_update: datetime,
    address: str | None = None,
) -> bytes:
    """Return a signed list (DER). ``address`` is that of a shard, which lists no others."""
    listed = b"".join(_entry(*entry) for entry in entries)
    extensions = [
        der.extension(key_identifier_of(authority.certificate)),
        der.extension(x509.CRLNumber(number)),
    ]
    if address is not None:
        extensions.append(der.extension(_only_of(address), critical=True))
    to_sign = der.sequence(
        der.integer(1),  # v2
        der.ECDSA_SHA256,
        authority.certificate.subject.public_bytes(),
        der.moment(now),
        der.moment(next_update),
        *([der.sequence(listed)] if listed else []),
        der.explicit(0, der.sequence(*extensions)),
    )
    signature = authority.key.sign(to_sign, ec.ECDSA(hashes.SHA256()))
    return der.sequence(to_sign, der.ECDSA_SHA256, der.bits(signature))


def _entry(serial: str, since: datetime, reason: RevocationReason | None) -> bytes:
    why = _REASONS[reason] if reason else b""
    return der.sequence(der.integer(int(serial, 16)), der.moment(since), why)


def _reason(code: int | None) -> bytes:
    if code is None:
        return b""
    value = der.tlv(der.ENUMERATED, bytes((code,)))
    oid = der.oid(x509.CRLReason.oid)
    return der.sequence(der.sequence(oid, der.tlv(der.OCTETS, value)))


_REASONS = {reason: _reason(code) for reason, code in CODES.items()}


def _only_of(address: str) -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier(address)],
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
