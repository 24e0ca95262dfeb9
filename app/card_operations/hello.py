"""Meeting a reader bridge: its hello, checked and bound to the browser that brought it."""

import re
from datetime import datetime, timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from app.card_operations import wire
from app.card_operations.refusals import ConnectionUnknown, WorkstationBlocked
from app.domain.errors import RuleBroken
from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import BridgeConnection, Workstation
from reader_bridge.contract import VERSION, Typ

KEPT = timedelta(hours=12)
NAME_LENGTH = 100
VERSION_LENGTH = 20
RANDOM_TEXT = re.compile("[A-Za-z0-9_-]{16,64}")  # base64url

_CONNECTION = select(BridgeConnection).where(BridgeConnection.sid == bindparam("sid"))


class HelloRefused(RuleBroken):
    """The hello is not one, is for another origin, or belongs to another browser."""

    reason = "hello-refused"

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


def receive(token: object, *, origin: str, browser: str, now: datetime) -> BridgeConnection:
    """Record a connection between this browser and a bridge. The same hello again is the same.

    ``browser`` is the digest of the browser's pre-session id. The key that signs is in the hello
    itself: it proves that the connection belongs to that workstation, not that the workstation is
    one to trust. Commits nothing.

    Raises:
        HelloRefused: see there.
        WorkstationBlocked: an administrator has blocked this PC.
    """
    key, claims = read(token, Typ.HELLO)
    if claims.get("aud") != origin:
        raise HelloRefused("origin")
    if claims.get("version") != VERSION:
        raise HelloRefused("version")
    sid, instance = _text(claims, "sid"), _text(claims, "instance")
    ek = _encryption_key(claims.get("ek"))
    workstation = workstation_of(key, claims, now)
    if workstation.status is WorkstationStatus.BLOCKED:
        raise WorkstationBlocked
    known = db.session.scalar(_CONNECTION, {"sid": sid})
    if known is not None:
        if (known.browser, known.workstation_id) != (browser, workstation.id) or known.ek != ek:
            raise HelloRefused("sid")
        return known
    connection = BridgeConnection(
        sid=sid,
        browser=browser,
        ek=ek,
        workstation=workstation,
        instance=instance,
        origin=origin,
        received_at=now,
        expires_at=now + KEPT,
    )
    db.session.add(connection)
    db.session.flush()
    return connection


def connection_of(sid: str, *, browser: str, now: datetime) -> BridgeConnection:
    """The connection of this browser with this ``sid``.

    Raises:
        ConnectionUnknown: there is none, it is another browser's, or it is forgotten.
        WorkstationBlocked: an administrator has blocked this PC meanwhile.
    """
    connection = db.session.scalar(_CONNECTION, {"sid": sid})
    if connection is None or connection.browser != browser:
        raise ConnectionUnknown
    if connection.workstation.status is WorkstationStatus.BLOCKED:
        raise WorkstationBlocked
    if connection.expires_at <= now:
        raise ConnectionUnknown
    return connection


def read(token: object, typ: Typ) -> tuple[OKPKey, dict[str, Any]]:
    """The key that a bridge signed with and brought along, and what it says.

    Raises:
        HelloRefused: it is not signed with the key that it brings.
    """
    try:
        header = wire.header_of(token)
        key = OKPKey.import_key(_public(header.get("jwk"), wire.ED25519, "jwk"))
        if header.get("kid") != key.thumbprint():
            raise HelloRefused("kid")
        return key, wire.verified_claims(token, key, wire.ED25519, typ)
    except (wire.Malformed, JoseError, ValueError) as error:
        raise HelloRefused(str(error)) from error


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not RANDOM_TEXT.fullmatch(value):
        raise HelloRefused(name)
    return value


def _public(value: object, curve: str, name: str) -> dict[str, str | list[str]]:
    """A public key of this curve (RFC 8037), and nothing that came with it."""
    if not isinstance(value, dict) or "d" in value:
        raise HelloRefused(name)
    if (value.get("kty"), value.get("crv")) != ("OKP", curve) or not isinstance(
        value.get("x"), str
    ):
        raise HelloRefused(name)
    return {"kty": "OKP", "crv": curve, "x": value["x"]}


def _encryption_key(value: object) -> dict[str, str | list[str]]:
    public = _public(value, "X25519", "ek")
    try:
        key = OKPKey.import_key(public)
        # A point of low order has no secret with anybody: nothing could be sealed for it.
        OKPKey.generate_key("X25519").exchange_derive_key(key)
    except (JoseError, ValueError, TypeError) as error:
        raise HelloRefused("ek") from error
    return public


def workstation_of(key: OKPKey, claims: dict[str, Any], now: datetime) -> Workstation:
    """The PC with this key, recorded when it is seen for the first time. Its row is held.

    A PC calls itself what it likes until somebody has decided about it: the name that they saw
    then is the one that stays.
    """
    thumbprint = key.thumbprint()
    values = key.as_dict(private=False)
    on_sqlite = db.engine.dialect.name == "sqlite"
    insert = sqlite.insert(Workstation) if on_sqlite else postgresql.insert(Workstation)
    db.session.execute(
        insert.values(
            thumbprint=thumbprint,
            jwk={name: str(values[name]) for name in ("kty", "crv", "x")},
            name="unnamed",
            name_folded="unnamed",
            version="",
            status=WorkstationStatus.SEEN,
            first_seen_at=now,
            last_seen_at=now,
        ).on_conflict_do_nothing(index_elements=[Workstation.thumbprint])
    )
    known = db.session.scalars(
        select(Workstation).where(Workstation.thumbprint == thumbprint).with_for_update()
    ).one()
    if known.status is WorkstationStatus.SEEN:
        known.call(_readable(claims.get("name"), NAME_LENGTH) or "unnamed")
    known.version = _readable(claims.get("version"), VERSION_LENGTH)
    known.last_seen_at = now
    db.session.flush()
    return known


def _readable(value: object, longest: int) -> str:
    """What a person can read of a text that a bridge chose."""
    text = value if isinstance(value, str) else ""
    return "".join(c for c in text if c.isprintable())[:longest]
