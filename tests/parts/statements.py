"""Looks into what a card or a workstation signed, as the service does."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from reader_bridge import encoding


def claims_of(token: str, public_key: bytes, *, typ: str = "rb-statement") -> dict[str, Any]:
    """The claims of a statement, after checking its signature and its type."""
    elliptic = isinstance(load_der_public_key(public_key), ec.EllipticCurvePublicKey)
    key = ECKey.import_key(public_key) if elliptic else RSAKey.import_key(public_key)
    signed = jws.deserialize_compact(token, key, algorithms=["ES256" if elliptic else "RS256"])
    assert signed.headers()["typ"] == typ
    claims: dict[str, Any] = json.loads(signed.payload)
    return claims


def slot_of(token: str) -> str:
    return str(json.loads(encoding.to_bytes(token.split(".")[0]))["kid"])


def thumbprint_of(public_key: bytes) -> str:
    return ECKey.import_key(public_key).thumbprint()


def workstation_of(hello: str) -> OKPKey:
    """The workstation's key, out of the hello that it signed."""
    jwk = json.loads(encoding.to_bytes(hello.split(".")[0]))["jwk"]
    return OKPKey.import_key(jwk)


def receipt_claims(receipt: str, hello: str) -> dict[str, Any]:
    """The claims of a receipt, after checking that the workstation of this hello signed it."""
    signed = jws.deserialize_compact(receipt, workstation_of(hello), algorithms=["Ed25519"])
    assert signed.headers()["typ"] == "rb-receipt"
    claims: dict[str, Any] = json.loads(signed.payload)
    return claims
