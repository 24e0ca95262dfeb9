"""The server's permission for one step of one operation, signed for one bridge connection."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from app.card_operations.wire import ED25519
from reader_bridge.contract import TICKET_SECONDS, Hold, Typ

Work = dict[str, Any]  # one item of a ticket: {"command": ..., **parameters}


class TicketKeyUnusable(Exception):
    """The setting is not the PEM of an Ed25519 key."""


@dataclass(frozen=True)
class TicketKeys:
    """The key that signs tickets, and the next one, which bridges are told of beforehand."""

    current: OKPKey
    coming: OKPKey | None = None

    @classmethod
    def from_pem(cls, current: str, coming: str | None = None) -> "TicketKeys":
        """Read the settings.

        Raises:
            TicketKeyUnusable: one of them is not an Ed25519 key, or the current is not private.
        """
        keys = cls(_ed25519(current), _ed25519(coming) if coming else None)
        if not keys.current.is_private:
            raise TicketKeyUnusable("the current ticket key must be a private key")
        return keys

    @cached_property
    def name(self) -> str:
        """The thumbprint of the current key, by which bridges find it."""
        return self.current.thumbprint()

    @property
    def public(self) -> list[dict[str, str]]:
        """The public keys (JWK), current first: what a bridge is configured with."""
        return [_public(key) for key in (self.current, self.coming) if key]


def _ed25519(pem: str) -> OKPKey:
    try:
        key = OKPKey.import_key(pem)
        curve = key.as_dict(private=False)["crv"]
    except (JoseError, ValueError, TypeError) as error:
        raise TicketKeyUnusable("not a key in PEM") from error
    if curve != ED25519:
        raise TicketKeyUnusable(f"a key on {curve}; tickets are signed with Ed25519")
    return key


def _public(key: OKPKey) -> dict[str, str]:
    values = key.as_dict(private=False)
    return {name: str(values[name]) for name in ("kty", "crv", "x")}


def until(hello_received: datetime, now: datetime) -> int:
    """How long a ticket is good, in seconds since its connection opened.

    The bridge measures with its own monotonic clock: PC clocks are wrong.
    """
    return int((now - hello_received).total_seconds()) + TICKET_SECONDS


def mint(
    keys: TicketKeys,
    *,
    origin: str,
    sid: str,
    hello_received: datetime,
    now: datetime,
    jti: str,
    operation: str,
    step: int,
    seat: str,
    card: str | None,
    work: list[Work],
    hold: Hold = Hold.NOTHING,
    continues: bool = False,
) -> str:
    """Sign a ticket. ``card`` is the GUID (32 hex digits), or None for a card without one."""
    claims = {
        "iss": origin,
        "aud": sid,
        "jti": jti,
        "until": until(hello_received, now),
        "op": operation,
        "step": step,
        "seat": seat,
        "card": card,
        "work": work,
        "hold": hold.value,
        "continues": continues,
    }
    header = {"alg": ED25519, "typ": Typ.TICKET.value, "kid": keys.name}
    payload = json.dumps(claims, separators=(",", ":"))
    return jws.serialize_compact(header, payload, keys.current, algorithms=[ED25519])
