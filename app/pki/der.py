"""DER, as far as revocation needs to write it (X.690).

The builders of ``cryptography`` copy the whole list for each entry of a CRL and know one answer to
an OCSP request; its ASN.1 module has no ENUMERATED. What comes in is read by ``cryptography``.
"""

from datetime import UTC, datetime

from cryptography import x509

SEQUENCE, INTEGER, BIT_STRING, OCTETS, ENUMERATED = 0x30, 0x02, 0x03, 0x04, 0x0A
UTC_TIME, GENERALIZED_TIME, OID = 0x17, 0x18, 0x06
TRUE = b"\x01\x01\xff"

# AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758, 3.2): parameters are absent
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return tag, length and the parts as one value."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + value


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, *parts)


def explicit(number: int, *parts: bytes) -> bytes:
    """Return a value in a context tag of its own."""
    return tlv(0xA0 | number, *parts)


def integer(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bits(value: bytes) -> bytes:
    """Return a BIT STRING of whole bytes."""
    return tlv(BIT_STRING, b"\x00", value)


def oid(identifier: x509.ObjectIdentifier) -> bytes:
    first, second, *others = map(int, identifier.dotted_string.split("."))
    return tlv(OID, _base_128(40 * first + second), *map(_base_128, others))


def generalized(at: datetime) -> bytes:
    """Return a moment (aware) to the second, as OCSP wants all of them."""
    return tlv(GENERALIZED_TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def moment(at: datetime) -> bytes:
    """Return a moment (aware) as certificates and CRLs want it (RFC 5280, 4.1.2.5)."""
    at = at.astimezone(UTC)
    if at.year >= 2050:
        return generalized(at)
    return tlv(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())


def extension(value: x509.ExtensionType, *, critical: bool = False) -> bytes:
    parts = [TRUE] if critical else []
    return sequence(oid(value.oid), *parts, tlv(OCTETS, value.public_bytes()))


def _base_128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))
