"""Whether agents really approved what was done to cards: each kept signature against its text.

A signature is checked with a signature key of the card that the event names, and that key with the
certificate that the authority issued for it to this agent: who can write to the database cannot
make either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, select

from app.card_operations.statements import KnownKey, StatementRefused, verify_kept
from app.domain.approval import digest
from app.extensions import db
from app.models import AuditEvent, Card, CardKey, Certificate
from app.pki.authority import Issuer
from app.services.terms_evidence import certifies
from reader_bridge.contract import Purpose, Slot

BATCH = 1000  # rows in memory at a time
APPROVED = ("approval.given", "card.cancelled", "card.issued", "card.repaired")


class Flaw(StrEnum):
    """What is wrong with an approval: the first thing found."""

    TEXT_CHANGED = "text-changed"  # not the text whose digest was signed
    NO_CARD = "no-card"  # the event does not say whose card signed
    KEY_NOT_CERTIFIED = "key-not-certified"  # our authority never said that it is this agent's
    NOT_SIGNED = "not-signed"  # altered, or signed by another card, or about something else


@dataclass(frozen=True)
class Finding:
    """One approval that proves nothing."""

    event: int
    name: str
    at: datetime
    flaw: Flaw


@dataclass
class Checked:
    """How far a check has come; read it when the findings are through."""

    approvals: int = 0


def findings(issuer: Issuer, checked: Checked) -> Iterator[Finding]:
    """Check every approval that the audit log keeps, in the order in which they were given.

    Acts that need no approval (a holder's own report, a card issued on the command line) keep none.
    """
    after = 0
    while rows := db.session.execute(_events(after)).all():
        for row in rows:
            kept = _kept(row)
            if kept is None:
                continue
            checked.approvals += 1
            flaw = _flaw(row, kept, issuer)
            if flaw is not None:
                yield Finding(row.id, row.event, row.at, flaw)
        after = rows[-1].id


def _events(after: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            AuditEvent.id,
            AuditEvent.event,
            AuditEvent.at,
            AuditEvent.actor_uuid,
            AuditEvent.actor_card_id,
            AuditEvent.facts,
            AuditEvent.statement,
            Card.guid,
        )
        .outerjoin(Card, Card.id == AuditEvent.actor_card_id)
        .where(AuditEvent.id > after, AuditEvent.event.in_(APPROVED))
        .order_by(AuditEvent.id)
        .limit(BATCH)
    )


def _kept(row: Row[*tuple[Any, ...]]) -> Mapping[str, Any] | None:
    """What an event keeps of its approval; beside a signature of the card itself, apart from it."""
    apart = row.facts.get("approved")
    if isinstance(apart, Mapping) and apart:
        return apart
    if "approval" not in row.facts:
        return None
    return {**row.facts, "statement": row.statement}


def _flaw(row: Row[*tuple[Any, ...]], kept: Mapping[str, Any], issuer: Issuer) -> Flaw | None:
    sha256 = str(kept.get("sha256"))
    if digest(str(kept.get("text"))) != sha256:
        return Flaw.TEXT_CHANGED
    if row.guid is None:
        return Flaw.NO_CARD
    keys = list(
        db.session.scalars(
            select(CardKey).where(
                CardKey.card_id == row.actor_card_id, CardKey.slot == Slot.SIGNATURE.value
            )
        )
    )
    certified = [key for key in keys if _is_certified(key, row.actor_uuid, issuer)]
    if not certified:
        return Flaw.KEY_NOT_CERTIFIED
    signed = any(_signed(kept.get("statement"), key, row.guid, sha256) for key in certified)
    return None if signed else Flaw.NOT_SIGNED


def _is_certified(key: CardKey, uuid: str, issuer: Issuer) -> bool:
    ders = db.session.scalars(select(Certificate.der).where(Certificate.key_id == key.id))
    return any(certifies(der, key.public_key, uuid, issuer) for der in ders)


def _signed(statement: object, key: CardKey, guid: str, sha256: str) -> bool:
    try:
        known = KnownKey.from_der(Slot.SIGNATURE, key.public_key)
        verify_kept(statement, known, purpose=Purpose.APPROVAL, card=guid, sha256=sha256)
    except StatementRefused:
        return False
    return True
