"""The card's key pairs: generating, signing, attestation.

[piv2] = NIST SP 800-73-4 part 2, [alg] = SP 800-78-4. Signatures come out as JOSE has them
(RFC 7518): ES256 as r and s side by side, RS256 as PKCS#1 v1.5.
"""

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reader_bridge.piv import tlv
from reader_bridge.piv.apdu import Command, Connection
from reader_bridge.piv.errors import MalformedAnswer, refusal
from reader_bridge.piv.pin import INS_METADATA

INS_GENERATE_ASYMMETRIC = 0x47  # [piv2] 3.3.1
INS_GENERAL_AUTHENTICATE = 0x87  # [piv2] 3.2.4
INS_ATTEST = 0xF9  # not in the standard: several makes follow Yubico's numbering

TAG_AUTHENTICATION = 0x7C
TAG_CHALLENGE = 0x81
TAG_RESPONSE = 0x82
TAG_PUBLIC_KEY = 0x7F49

SW_NO_SUCH_REFERENCE = 0x6A88

# DigestInfo of a SHA-256 digest (RFC 8017, 9.2, note 1)
SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True)
class KeyAlgorithm:
    """A kind of key: its JOSE signature name, and the card's number for it ([alg] table 6-2)."""

    name: str
    identifier: int


ES256 = KeyAlgorithm("ES256", 0x11)
RS256 = KeyAlgorithm("RS256", 0x07)
ALGORITHMS = {algorithm.name: algorithm for algorithm in (ES256, RS256)}


def slot_reference(slot: str) -> int:
    """The key reference of a slot named as in "9a"."""
    return int(slot, 16)


def generate(connection: Connection, slot: str, algorithm: str) -> bytes:
    """Make a new key pair in a slot and return its public key (DER SubjectPublicKeyInfo).

    The old key is gone at once; the slot's certificate stays.

    Raises:
        NotAuthenticated: without the management key.
        Unsupported: the card lacks this algorithm or slot.
        UnexpectedStatus: the card refused for another reason.
        MalformedAnswer: what came back is no such public key.
    """
    control = tlv.encode(0xAC, tlv.encode(0x80, bytes((ALGORITHMS[algorithm].identifier,))))
    command = Command(INS_GENERATE_ASYMMETRIC, p2=slot_reference(slot), data=control, answers=True)
    response = connection.transmit(command)
    if not response.ok:
        raise refusal(response.sw, INS_GENERATE_ASYMMETRIC)
    return _subject_public_key_info(tlv.only(response.data, TAG_PUBLIC_KEY), algorithm)


def sign(connection: Connection, slot: str, algorithm: str, message: bytes) -> bytes:
    """Sign the SHA-256 digest of a message and return the signature in JOSE's form.

    Raises:
        NotAuthenticated: the passcode is wanted first; some cards say this of an empty slot.
        Unsupported: some cards' word for an empty slot, or for another kind of key in it.
        UnexpectedStatus: the card refused for another reason.
        MalformedAnswer: what came back is no signature of this kind.
    """
    kind = ALGORITHMS[algorithm]
    digest = hashlib.sha256(message).digest()
    payload = digest if kind is ES256 else _pad_pkcs1(SHA256_DIGEST_INFO + digest, 256)
    request = tlv.encode(
        TAG_AUTHENTICATION, tlv.encode(TAG_RESPONSE) + tlv.encode(TAG_CHALLENGE, payload)
    )
    command = Command(
        INS_GENERAL_AUTHENTICATE,
        p1=kind.identifier,
        p2=slot_reference(slot),
        data=request,
        answers=True,
    )
    response = connection.transmit(command)
    if not response.ok:
        raise refusal(response.sw, INS_GENERAL_AUTHENTICATE)
    signature = tlv.need(tlv.only(response.data, TAG_AUTHENTICATION), TAG_RESPONSE)
    if kind is ES256:
        return _side_by_side(signature)
    if len(signature) != 256:
        raise MalformedAnswer("the signature is not as long as the key")
    return signature


def attest(connection: Connection, slot: str) -> bytes | None:
    """Return the card's certificate (DER) that it made the slot's key itself; None without one.

    A malformed attestation is none: one make sends it a byte short.
    """
    response = connection.transmit(Command(INS_ATTEST, p1=slot_reference(slot), answers=True))
    if not response.ok:
        return None
    try:
        x509.load_der_x509_certificate(response.data)
    except ValueError:
        return None
    return response.data


def algorithms_in(connection: Connection, slot: str) -> tuple[str, ...] | None:
    """Return the algorithm of the key in a slot as the metadata tells it.

    Nothing in an empty slot; None where the card won't say, or names one not known here.
    """
    command = Command(INS_METADATA, p2=slot_reference(slot), answers=True)
    response = connection.transmit(command)
    if response.sw == SW_NO_SUCH_REFERENCE:
        return ()
    if not response.ok:
        return None
    try:
        identifier = tlv.find(response.data, 0x01)
    except MalformedAnswer:
        return None
    if not identifier:
        return ()
    named = {bytes((algorithm.identifier,)): algorithm.name for algorithm in ALGORITHMS.values()}
    return (named[identifier],) if identifier in named else None


def algorithm_of_public_key(key: object) -> str | None:
    """Return the algorithm that belongs to a public key; None for one the service never makes."""
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ES256.name
    if isinstance(key, rsa.RSAPublicKey) and key.key_size == 2048:
        return RS256.name
    return None


def _pad_pkcs1(digest_info: bytes, size: int) -> bytes:
    """EMSA-PKCS1-v1_5 (RFC 8017, 9.2): the card does the bare RSA operation only."""
    filling = b"\xff" * (size - len(digest_info) - 3)
    return b"\x00\x01" + filling + b"\x00" + digest_info


def _side_by_side(der: bytes) -> bytes:
    try:
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except (ValueError, OverflowError) as error:
        raise MalformedAnswer("not an ECDSA signature on P-256") from error


def _subject_public_key_info(template: bytes, algorithm: str) -> bytes:
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    try:
        if algorithm == ES256.name:
            point = tlv.need(template, 0x86)
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        else:
            modulus = int.from_bytes(tlv.need(template, 0x81), "big")
            exponent = int.from_bytes(tlv.need(template, 0x82), "big")
            key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise MalformedAnswer("not a public key") from error
    if algorithm_of_public_key(key) != algorithm:
        raise MalformedAnswer("not the kind of key that was asked for")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
