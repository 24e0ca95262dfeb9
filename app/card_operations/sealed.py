"""Secrets of a card: sealed at rest by the vault, and sealed once for the bridge that sets them."""

import json
import secrets

from joserfc import jwe
from joserfc.jwk import OKPKey

from app.models import BridgeConnection

PUK_DIGITS = 8  # digits alone: some cards refuse letters


def for_bridge(connection: BridgeConnection, secret: bytes) -> str:
    """Seal for one connection of one bridge: compact JWE, ECDH-ES on X25519, A256GCM."""
    key = OKPKey.import_key(connection.ek)
    return jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, secret, key)


def candidates_for_bridge(connection: BridgeConnection, values: list[str]) -> str:
    """Seal a list of PUKs, the likeliest first."""
    return for_bridge(connection, json.dumps(values).encode())


def new_puk() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(PUK_DIGITS))
