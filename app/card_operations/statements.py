"""What a card signs, checked with the public key that the server keeps for that slot of that card.

A statement that names another key, carries a certificate, or was signed with another algorithm
proves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, RSAKey

from app.card_operations import wire
from reader_bridge.contract import Algorithm, Purpose, Slot, Typ

MOST_KEYS = 4096  # that are kept as they were read, of whatever cards came last

_A, _C, _E = Slot.AUTHENTICATION, Slot.SIGNATURE, Slot.CARD_AUTHENTICATION

SLOTS: dict[Purpose, frozenset[Slot]] = {
    Purpose.SIGN_IN: frozenset({_A}),
    Purpose.PRESENCE: frozenset({_E}),
    Purpose.REGISTRATION: frozenset({_A}),
    Purpose.PASSCODE_CHANGE: frozenset({_A}),
    Purpose.UNLOCK_START: frozenset({_E}),
    Purpose.UNLOCK: frozenset({_A, _C, _E}),  # 9C or 9E while 9A is being renewed
    Purpose.ISSUE: frozenset({_A, _C, _E}),
    Purpose.REPAIR: frozenset({_A, _C, _E}),
    Purpose.RENEWAL: frozenset({_A, _C}),
    Purpose.RENEWAL_CONTINUE: frozenset({_C}),
    Purpose.TERMS: frozenset({_C}),
    Purpose.APPROVAL: frozenset({_C}),
}


class StatementRefused(Exception):
    """The statement does not prove what it should. ``problem`` names the first thing wrong."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class KnownKey:
    """A public key of a card as the server keeps it (DER SubjectPublicKeyInfo)."""

    slot: Slot
    algorithm: Algorithm
    public_key: bytes

    @classmethod
    def from_der(cls, slot: Slot, public_key: bytes) -> "KnownKey":
        """A key as GENERATE returned it; its kind decides the algorithm, for good.

        Raises:
            StatementRefused: it is neither P-256 nor RSA.
        """
        return _known(slot, public_key)

    @cached_property
    def jwk(self) -> ECKey | RSAKey:
        pem = serialization.load_der_public_key(self.public_key).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return (
            ECKey.import_key(pem) if self.algorithm is Algorithm.ES256 else RSAKey.import_key(pem)
        )

    @cached_property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint, as it stands in cnf.jkt."""
        return self.jwk.thumbprint()


@lru_cache(MOST_KEYS)
def _known(slot: Slot, public_key: bytes) -> KnownKey:
    """Reading a key takes longer than checking a signature with it: that is done once."""
    try:
        key = serialization.load_der_public_key(public_key)
    except ValueError as error:
        raise StatementRefused("public-key") from error
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return KnownKey(slot, Algorithm.ES256, public_key)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size == 2048:
        return KnownKey(slot, Algorithm.RS256, public_key)
    raise StatementRefused("public-key")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the statement must say. ``card`` is a GUID (32 hex digits), None where it shows none."""

    origin: str
    purpose: Purpose
    nonce: str
    card: str | None
    seat: str
    instance: str
    sha256: str | None = None
    jkt: str | None = None


@dataclass(frozen=True)
class Statement:
    """A statement that holds: the token to keep, and what it says."""

    token: str
    claims: Mapping[str, Any]


def verify(token: object, key: KnownKey, expected: Expected) -> Statement:
    """Check a statement against the stored key and against what was asked for.

    The nonce makes it fresh. The time in it is the PC's, whose clock may be years off: it proves
    nothing and decides nothing. When a statement came is what the server's own clock says.

    Raises:
        StatementRefused: anything at all is different.
    """
    wanted = {
        "aud": expected.origin,
        "nonce": expected.nonce,
        "purpose": expected.purpose.value,
        "card": expected.card,
        "seat": expected.seat,
        "bridge": expected.instance,
        "sha256": expected.sha256,
        "cnf": {"jkt": expected.jkt} if expected.jkt else None,
    }
    claims = _signed_claims(token, key, expected.purpose, wanted)
    return Statement(str(token), claims)


def verify_kept(
    token: object, key: KnownKey, *, purpose: Purpose, card: str, sha256: str
) -> Mapping[str, Any]:
    """Check a statement that was kept, long after the conversation of which it was a part.

    Return its claims.

    Raises:
        StatementRefused: it is not signed with this key, or says something else.
    """
    wanted = {"purpose": purpose.value, "card": card, "sha256": sha256}
    return _signed_claims(token, key, purpose, wanted)


def _signed_claims(
    token: object, key: KnownKey, purpose: Purpose, wanted: Mapping[str, Any]
) -> Mapping[str, Any]:
    if key.slot not in SLOTS[purpose]:
        raise StatementRefused("slot")
    try:
        claims = wire.verified_claims(token, key.jwk, key.algorithm.value, Typ.STATEMENT)
        header = wire.header_of(token)
    except wire.Malformed as error:
        raise StatementRefused(f"signature: {error}") from error
    if header.get("kid") != key.slot.value:
        raise StatementRefused("kid")
    for name, value in wanted.items():
        if claims.get(name) != value:
            raise StatementRefused(name)
    return claims
