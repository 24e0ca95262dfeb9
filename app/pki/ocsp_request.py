"""What an OCSP request asks (RFC 6960, 4.1), read strictly and within limits."""

from dataclasses import dataclass
from typing import Annotated

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.ocsp import load_der_ocsp_request
from cryptography.x509.oid import OCSPExtensionOID

from app.pki import der

MOST_BYTES = 8 * 1024  # of a request
MOST_CERTIFICATES = 32  # asked about in one
MOST_NONCE_BYTES = 128  # RFC 9654, 2.1


class Malformed(Exception):
    """Not an OCSP request, or more than anybody has a reason to send."""


@asn1.sequence
class AlgorithmIdentifier:
    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class CertId:
    """Which certificate: hashes of its issuer's name and key, and its serial number."""

    hash_algorithm: AlgorithmIdentifier
    name_hash: bytes
    key_hash: bytes
    serial: int


@asn1.sequence
class _Extension:
    identifier: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]
    value: bytes


@asn1.sequence
class _Single:
    certificate: CertId
    extensions: Annotated[list[_Extension] | None, asn1.Explicit(0)]


@asn1.sequence
class _ToSign:
    version: Annotated[int | None, asn1.Explicit(0)]
    singles: list[_Single]
    extensions: Annotated[list[_Extension] | None, asn1.Explicit(2)]


@asn1.sequence
class _Request:
    to_sign: _ToSign


@dataclass(frozen=True)
class Asked:
    """About one certificate. ``echo`` is its CertID (DER), as the answer repeats it."""

    issuer: tuple[str, bytes, bytes]  # hash algorithm (dotted), hash of name, hash of key
    serial: str  # hex, as rows have it
    echo: bytes


@dataclass(frozen=True)
class OcspRequest:
    """``nonce`` is the content of that extension (DER), which the answer repeats.

    ``plain``: it names certificates and has nothing beside, so that there are no two about the same
    certificate that differ in more than their hash algorithm.
    """

    asked: tuple[Asked, ...]
    nonce: bytes | None
    plain: bool


def read(body: bytes) -> OcspRequest:
    """Read a request (DER). Its signature, if it has one, is not asked for and not looked at.

    Raises:
        Malformed: and why.
    """
    if len(body) > MOST_BYTES:
        raise Malformed("longer than a request has to be")
    try:
        request = asn1.decode_der(_Request, body).to_sign
    except (ValueError, OverflowError):
        return _read_signed(body)
    if request.version not in (None, 0):
        raise Malformed("version")
    if not 0 < len(request.singles) <= MOST_CERTIFICATES:
        raise Malformed("number of certificates")
    for single in request.singles:
        if any(each.critical for each in single.extensions or ()):
            raise Malformed("critical extension")
    asked = tuple(_asked(single.certificate) for single in request.singles)
    beside = [request.version, request.extensions, *(each.extensions for each in request.singles)]
    plain = all(each is None for each in beside)
    return OcspRequest(asked, _nonce(request.extensions or []), plain)


def _read_signed(body: bytes) -> OcspRequest:
    """Read a request that has a requestor's name or a signature, about one certificate."""
    try:
        request = load_der_ocsp_request(body)
        algorithm = _OIDS[request.hash_algorithm.name]
        certificate = CertId(
            hash_algorithm=AlgorithmIdentifier(algorithm=algorithm, parameters=asn1.Null()),
            name_hash=request.issuer_name_hash,
            key_hash=request.issuer_key_hash,
            serial=request.serial_number,
        )
        extensions = [
            _Extension(identifier=each.oid, critical=each.critical, value=each.value.public_bytes())
            for each in request.extensions
        ]
    except (ValueError, KeyError, OverflowError, NotImplementedError) as error:
        raise Malformed(str(error)) from error
    return OcspRequest((_asked(certificate),), _nonce(extensions), plain=False)


def _asked(certificate: CertId) -> Asked:
    if certificate.serial < 0 or certificate.serial.bit_length() > 160:
        raise Malformed("serial number")  # RFC 5280, 4.1.2.2
    algorithm = certificate.hash_algorithm.algorithm.dotted_string
    return Asked(
        issuer=(algorithm, certificate.name_hash, certificate.key_hash),
        serial=f"{certificate.serial:x}",
        echo=asn1.encode_der(certificate),
    )


def _nonce(extensions: list[_Extension]) -> bytes | None:
    nonce = None
    for each in extensions:
        if each.identifier == OCSPExtensionOID.NONCE:
            if nonce is not None:
                raise Malformed("two nonces")
            nonce = each.value
        elif each.critical:
            raise Malformed("critical extension")
    if nonce is not None and not _is_nonce(nonce):
        raise Malformed("nonce")
    return nonce


def _is_nonce(value: bytes) -> bool:
    """Say whether it is one OCTET STRING of 1 to 128 bytes."""
    length = len(value) - (3 if len(value) > 129 else 2)
    if not 0 < length <= MOST_NONCE_BYTES:
        return False
    return value == der.tlv(der.OCTETS, value[-length:])


# The hash algorithms that are answered, by the names that `cryptography` gives them
_OIDS = {
    "sha1": ObjectIdentifier("1.3.14.3.2.26"),
    "sha256": ObjectIdentifier("2.16.840.1.101.3.4.2.1"),
    "sha384": ObjectIdentifier("2.16.840.1.101.3.4.2.2"),
    "sha512": ObjectIdentifier("2.16.840.1.101.3.4.2.3"),
}
HASHES = {identifier.dotted_string: name for name, identifier in _OIDS.items()}
