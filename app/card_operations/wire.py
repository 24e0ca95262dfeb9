"""Bytes as text, JSON as bytes and signed claims, as page, bridge and server agree on them."""

import base64
import binascii
import hashlib
import json
import secrets
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from reader_bridge.contract import MAX_JWS_HEADER_BYTES, Typ

ED25519 = "Ed25519"  # the algorithm's name in RFC 9864; joserfc wants it allowed by name

PublicKey = OKPKey | ECKey | RSAKey


class Malformed(Exception):
    """What arrived is not in the agreed form."""


def to_text(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def to_bytes(text: object) -> bytes:
    """The bytes of a base64url text without padding.

    Raises:
        Malformed: it is not one.
    """
    if not isinstance(text, str):
        raise Malformed("not a text")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Malformed("not base64url") from error


def random_text() -> str:
    """32 random bytes as text: nonces and identifiers of tickets."""
    return to_text(secrets.token_bytes(32))


def digest(value: Any) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of ``value``."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def verified_claims(token: object, key: PublicKey, algorithm: str, typ: Typ) -> dict[str, Any]:
    """The claims of a compact JWS of this type, signed with this key and this algorithm.

    Raises:
        Malformed: it is not, in whichever way; the text says which.
    """
    header = header_of(token)
    if header.get("typ") != typ.value:
        raise Malformed("typ")
    if header.get("alg") != algorithm:
        raise Malformed("alg")
    try:
        signed = jws.deserialize_compact(
            str(token), key, algorithms=[algorithm], registry=_registry(algorithm)
        )
        claims = json.loads(signed.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Malformed(type(error).__name__) from error
    if not isinstance(claims, dict):
        raise Malformed("claims")
    return claims


def header_of(token: object) -> dict[str, Any]:
    """The header of a compact JWS, before anything is known of its signature.

    Raises:
        Malformed: it is not a compact JWS.
    """
    if not isinstance(token, str) or token.count(".") != 2:
        raise Malformed("not a compact JWS")
    encoded = token.partition(".")[0]
    if len(encoded) > MAX_JWS_HEADER_BYTES:
        raise Malformed("header too long")
    try:
        header = json.loads(to_bytes(encoded))
    except (ValueError, RecursionError) as error:
        raise Malformed("header") from error
    if not isinstance(header, dict):
        raise Malformed("header")
    return header


@cache
def _registry(algorithm: str) -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=[algorithm])
    registry.max_header_length = MAX_JWS_HEADER_BYTES
    return registry
