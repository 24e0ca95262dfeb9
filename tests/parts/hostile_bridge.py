"""A bridge that nobody wrote: its own keys, and it says and signs whatever a test wants."""

import secrets
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

from app.card_operations import wire
from reader_bridge.contract import VERSION, Typ
from tests.parts.properties import as_json

Claims = dict[str, Any]


def signed(header: Mapping[str, Any], claims: Any, key: Any) -> str:
    """A compact JWS over any JSON at all."""
    return jws.serialize_compact(
        dict(header), as_json(claims), key, algorithms=["Ed25519", "ES256", "RS256"]
    )


class HostileBridge:
    """What it says is a good hello or a good receipt, but for the changes."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.key = OKPKey.generate_key("Ed25519")
        self.sid = wire.random_text()
        self.instance = secrets.token_urlsafe(16)
        ek = OKPKey.generate_key("X25519").as_dict(private=False)
        self.ek = {name: ek[name] for name in ("kty", "crv", "x")}
        public = self.key.as_dict(private=False)
        self.jwk = {name: public[name] for name in ("kty", "crv", "x")}

    @property
    def hello_header(self) -> Claims:
        return self._header(Typ.HELLO) | {"jwk": self.jwk}

    @property
    def hello_claims(self) -> Claims:
        return {
            "version": VERSION,
            "sid": self.sid,
            "ek": self.ek,
            "aud": self.origin,
            "instance": self.instance,
            "capabilities": ["virtual"],
            "name": "PC 1",
        }

    def hello(self, claims: Any = None, header: Mapping[str, Any] | None = None) -> str:
        top = self.hello_header if header is None else header
        return signed(top, self.hello_claims if claims is None else claims, self.key)

    def _header(self, typ: Typ) -> Claims:
        return {"alg": "Ed25519", "typ": typ.value, "kid": self.key.thumbprint()}
