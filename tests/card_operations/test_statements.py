"""What a card signs: every claim, the key and the algorithm must be those that were asked for."""

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from app.card_operations import statements, wire
from app.card_operations.statements import (
    SLOTS,
    Expected,
    KnownKey,
    StatementRefused,
)
from reader_bridge.contract import Algorithm, Purpose, Slot

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
P256 = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)

EXPECTED = Expected(
    origin="https://identity.test",
    purpose=Purpose.SIGN_IN,
    nonce="a nonce",
    card="ab" * 16,
    seat="a seat",
    instance="an instance",
)
CLAIMS: dict[str, Any] = {
    "aud": "https://identity.test",
    "nonce": "a nonce",
    "purpose": "sign-in",
    "card": "ab" * 16,
    "seat": "a seat",
    "bridge": "an instance",
    "iat": int(NOW.timestamp()),
}
HEADER = {"alg": "ES256", "typ": "rb-statement", "kid": "9a"}


def spki(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


KNOWN = KnownKey.from_der(Slot.AUTHENTICATION, spki(P256))


def signed(
    claims: dict[str, Any] | None = None,
    header: dict[str, str] | None = None,
    key: Any = P256,
) -> str:
    jwk = RSAKey.import_key(key) if isinstance(key, rsa.RSAPrivateKey) else key
    jwk = ECKey.import_key(key) if isinstance(key, ec.EllipticCurvePrivateKey) else jwk
    return jws.serialize_compact(
        HEADER | (header or {}),
        json.dumps(CLAIMS | (claims or {})),
        jwk,
        algorithms=["ES256", "RS256", "HS256", "none"],
    )


def refused(token: object, key: KnownKey = KNOWN, expected: Expected = EXPECTED) -> str:
    with pytest.raises(StatementRefused) as error:
        statements.verify(token, key, expected)
    return error.value.problem


def test_a_good_statement_is_kept_whole() -> None:
    token = signed()
    made = statements.verify(token, KNOWN, EXPECTED)
    assert made.token == token


def test_an_rsa_key_signs_with_rs256() -> None:
    key = KnownKey.from_der(Slot.AUTHENTICATION, spki(RSA))
    assert key.algorithm is Algorithm.RS256
    statements.verify(signed(header={"alg": "RS256"}, key=RSA), key, EXPECTED)


@pytest.mark.parametrize("claim", ["aud", "nonce", "purpose", "card", "seat", "bridge"])
@pytest.mark.parametrize("value", ["another", None, 1, ["a nonce"]])
def test_any_claim_that_differs_is_refused(claim: str, value: object) -> None:
    assert refused(signed({claim: value})) == claim


@pytest.mark.parametrize("claim", ["sha256", "cnf"])
def test_a_claim_that_was_not_asked_for_is_refused(claim: str) -> None:
    assert refused(signed({claim: {"jkt": "x"}})) == claim


def test_a_text_or_a_key_that_was_asked_for_must_be_the_very_one() -> None:
    values = {field: getattr(EXPECTED, field) for field in EXPECTED.__dataclass_fields__}
    text = Expected(**(values | {"sha256": "00" * 32}))
    key = Expected(**(values | {"jkt": "the new key"}))
    statements.verify(signed({"sha256": "00" * 32}), KNOWN, text)
    statements.verify(signed({"cnf": {"jkt": "the new key"}}), KNOWN, key)
    assert refused(signed({"sha256": "11" * 32}), expected=text) == "sha256"
    assert refused(signed({"cnf": {"jkt": "another"}}), expected=key) == "cnf"


def test_another_key_of_the_same_kind_proves_nothing() -> None:
    assert refused(signed(key=OTHER)).startswith("signature")


@pytest.mark.parametrize("header", [{"alg": "RS256"}, {"typ": "rb-receipt"}, {"typ": "JWT"}])
def test_one_algorithm_a_key_and_one_type_a_statement(header: dict[str, str]) -> None:
    key = RSA if header.get("alg") == "RS256" else P256
    assert refused(signed(header=header, key=key)).startswith("signature")


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    head = wire.to_text(json.dumps(HEADER | {"alg": "HS256"}).encode())
    payload = wire.to_text(json.dumps(CLAIMS).encode())
    mac = hmac.new(spki(P256), f"{head}.{payload}".encode(), "sha256").digest()
    assert refused(f"{head}.{payload}.{wire.to_text(mac)}").startswith("signature")


def test_no_signature_at_all_proves_nothing() -> None:
    head, payload, _ = signed().split(".")
    assert refused(f"{head}.{payload}.").startswith("signature")


def test_the_slot_must_be_the_one_that_was_asked() -> None:
    assert refused(signed(header={"kid": "9e"})) == "kid"


@pytest.mark.parametrize("token", [None, 7, "", "a.b", "a.b.c", "a.b.c.d", "🙂.🙂.🙂", {"a": 1}])
def test_what_is_no_statement_is_refused(token: object) -> None:
    assert refused(token)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("slot", list(Slot))
def test_a_purpose_belongs_to_its_slots(purpose: Purpose, slot: Slot) -> None:
    key = KnownKey.from_der(slot, spki(P256))
    values = {field: getattr(EXPECTED, field) for field in EXPECTED.__dataclass_fields__}
    expected = Expected(**(values | {"purpose": purpose}))
    token = signed({"purpose": purpose.value}, {"kid": slot.value})
    if slot in SLOTS[purpose]:
        statements.verify(token, key, expected)
    else:
        assert refused(token, key, expected) == "slot"


@pytest.mark.parametrize("iat", [None, 0, 4_300_000_000, "now", 1e300])
def test_the_time_that_a_pc_claims_decides_nothing(iat: object) -> None:
    statements.verify(signed({"iat": iat}), KNOWN, EXPECTED)


@pytest.mark.parametrize(
    "der", [b"", spki(ec.generate_private_key(ec.SECP384R1()))], ids=["nothing", "P-384"]
)
def test_only_p256_and_rsa_2048_keys_are_known(der: bytes) -> None:
    with pytest.raises(StatementRefused, match="public-key"):
        KnownKey.from_der(Slot.AUTHENTICATION, der)
