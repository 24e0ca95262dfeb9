import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reader_bridge.piv import keys, tlv
from reader_bridge.piv.apdu import CardConnection, Command, Response
from reader_bridge.piv.errors import (
    MalformedAnswer,
    NotAuthenticated,
    UnexpectedStatus,
    Unsupported,
)
from tests.piv.scripted import ScriptedCard

EC_KEY = ec.derive_private_key(0x1234567, ec.SECP256R1())
POINT = EC_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()
EC_SPKI = EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
DIGEST = hashlib.sha256(b"message").hexdigest()
SIGN_9A = f"00 87 11 9a 26 7c24 8200 8120 {DIGEST} 00"
GENERATE_9A = "00 47 00 9a 05 ac03 8001 11 00"


def der_signature(r: int, s: int) -> str:
    return tlv.encode(0x7C, tlv.encode(0x82, encode_dss_signature(r, s))).hex()


def test_an_ecdsa_signature_comes_out_with_r_and_s_side_by_side():
    with ScriptedCard((SIGN_9A, der_signature(1, 2**256 - 1) + "9000")) as card:
        signature = keys.sign(card, "9a", "ES256", b"message")
    assert signature == bytes(31) + b"\x01" + b"\xff" * 32


@pytest.mark.parametrize(
    "answer",
    [
        "9000",
        "7c00 9000",
        "7c028200 9000",
        "7c04 8202 3000 9000",
        der_signature(2**256, 1) + "9000",
    ],
)
def test_what_is_not_a_signature_is_malformed(answer):
    with ScriptedCard((SIGN_9A, answer)) as card, pytest.raises(MalformedAnswer):
        keys.sign(card, "9a", "ES256", b"message")


@pytest.mark.parametrize(
    ("sw", "error"),
    [("6982", NotAuthenticated), ("6a86", Unsupported), ("6985", UnexpectedStatus)],
)
def test_a_slot_that_will_not_sign_says_so_in_three_ways(sw, error):
    with ScriptedCard((SIGN_9A, sw)) as card, pytest.raises(error):
        keys.sign(card, "9a", "ES256", b"message")


def test_an_rsa_signature_is_padded_here_and_verifies_elsewhere():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    class BareRsa:
        """Does what a card does: the private operation on whatever it is given."""

        def transmit(self, apdu: bytes) -> bytes:
            self.sent = getattr(self, "sent", b"") + apdu[5 : 5 + apdu[4]]
            if apdu[0] & 0x10:
                return b"\x90\x00"
            payload = tlv.need(tlv.only(self.sent, 0x7C), 0x81)
            numbers = key.private_numbers()
            result = pow(int.from_bytes(payload, "big"), numbers.d, numbers.public_numbers.n)
            answer = tlv.encode(0x7C, tlv.encode(0x82, result.to_bytes(256, "big")))
            self.rest = answer[200:]
            if len(self.rest):
                self.transmit = self.more
            return answer[:200] + b"\x61" + bytes((len(self.rest),))

        def more(self, apdu: bytes) -> bytes:
            assert apdu[1] == 0xC0
            return self.rest + b"\x90\x00"

    signature = keys.sign(CardConnection(BareRsa()), "9c", "RS256", b"message")
    key.public_key().verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())


def test_a_signature_shorter_than_the_rsa_key_is_malformed():
    class Short:
        def transmit(self, command: Command) -> Response:
            return Response(bytes.fromhex("7c048202aabb"), 0x9000)

    with pytest.raises(MalformedAnswer):
        keys.sign(Short(), "9c", "RS256", b"message")


def test_a_generated_key_comes_back_as_a_public_key():
    with ScriptedCard((GENERATE_9A, f"7f4943 8641 {POINT} 9000")) as card:
        assert keys.generate(card, "9a", "ES256") == EC_SPKI


def test_a_generated_rsa_key_comes_back_as_a_public_key():
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    template = tlv.encode(0x81, numbers.public_numbers().n.to_bytes(256, "big"))
    template += tlv.encode(0x82, b"\x01\x00\x01")
    answer = tlv.encode(0x7F49, template).hex() + "9000"
    with ScriptedCard(("00 47 00 9e 05 ac03 8001 07 00", answer)) as card:
        made = keys.generate(card, "9e", "RS256")
    assert made == numbers.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "answer",
    [
        "7f4900 9000",
        "7f4903 860104 9000",
        f"7f4943 8641 {'04' + 'ff' * 64} 9000",  # not on the curve
        "7f4906 8101ff 820103 9000",  # an RSA key, and a tiny one
    ],
)
def test_what_is_not_the_key_that_was_asked_for_is_malformed(answer):
    with ScriptedCard((GENERATE_9A, answer)) as card, pytest.raises(MalformedAnswer):
        keys.generate(card, "9a", "ES256")


def test_an_rsa_key_of_another_size_is_malformed():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505
    template = tlv.encode(0x81, key.public_numbers().n.to_bytes(128, "big"))
    answer = tlv.encode(0x7F49, template + tlv.encode(0x82, b"\x01\x00\x01")).hex() + "9000"
    script = ScriptedCard(("00 47 00 9a 05 ac03 8001 07 00", answer))
    with script as card, pytest.raises(MalformedAnswer):
        keys.generate(card, "9a", "RS256")


@pytest.mark.parametrize("answer", ["6d00", "6a88", "3082 9000", "9000"])
def test_an_attestation_that_is_missing_or_malformed_is_none(answer):
    with ScriptedCard(("00 f9 9a 00 00", answer)) as card:
        assert keys.attest(card, "9a") is None


@pytest.mark.parametrize(
    ("answer", "algorithms"),
    [
        ("010111 9000", ("ES256",)),
        ("010107 9000", ("RS256",)),
        ("9000", ()),  # the slot is empty, said in two ways
        ("6a88", ()),
        ("010114 9000", None),  # an algorithm that is not known here
        ("6d00", None),
        ("01 9000", None),
    ],
)
def test_metadata_tells_the_algorithm_or_that_the_slot_is_empty(answer, algorithms):
    with ScriptedCard(("00 f7 00 9c 00", answer)) as card:
        assert keys.algorithms_in(card, "9c") == algorithms


def test_the_padded_digest_is_what_cryptography_would_pad():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    digest = hashlib.sha256(b"message").digest()
    expected = key.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
    numbers = key.public_key().public_numbers()
    opened = pow(int.from_bytes(expected, "big"), numbers.e, numbers.n).to_bytes(256, "big")
    assert keys._pad_pkcs1(keys.SHA256_DIGEST_INFO + digest, 256) == opened
