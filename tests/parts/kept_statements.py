"""Statements as cards made them, for tests that have no card."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey


def kept_statement(private: ec.EllipticCurvePrivateKey, slot: str = "9c", **claims: Any) -> str:
    """What the key in a slot signs, as compact JWS."""
    key = ECKey.import_key(private)
    header = {"alg": "ES256", "typ": "rb-statement", "kid": slot}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=["ES256"])
