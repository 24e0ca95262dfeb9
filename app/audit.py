"""The audit log: one row for each thing that happened, written in the transaction of the action.

A row carries a keyed digest of itself from the moment it is written, and says which process wrote
it as its how-manieth. A process may skip a number (an action that was rolled back), never use one
twice.
"""

import base64
import hashlib
import hmac
import itertools
import json
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from flask import current_app, has_request_context, request
from sqlalchemy import select

from app.domain.principal import Principal
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import AuditEvent, Person

UNDIGESTED = {"id", "digest"}


def record(
    event: str,
    *,
    outcome: Outcome,
    actor: Principal | Person | None,
    now: datetime,
    subject_person_id: int | None = None,
    subject_card_id: int | None = None,
    actor_card_id: int | None = None,
    workstation_id: int | None = None,
    address: str | None = None,
    statement: str | None = None,
    **facts: Any,
) -> AuditEvent:
    """Add one event to the running transaction. The caller commits it together with its action.

    ``event`` is a dotted name ("card.cancelled"). ``actor`` is who acts: the one signed in, a
    person who is about to be, or None where nobody is known. ``address`` is the request's where
    there is one. ``facts`` are what else the event says; never a secret.
    """
    if address is None and has_request_context():
        address = request.remote_addr
    role = None
    if isinstance(actor, Principal):
        role = actor.role
        actor_card_id = actor_card_id or actor.card_id
        workstation_id = workstation_id or actor.workstation_id
    writer, sequence = _WRITER.next()
    row = AuditEvent(
        at=now.astimezone(UTC),
        event=event,
        outcome=outcome,
        actor_person_id=_person_id(actor),
        actor_uuid=actor.uuid if actor else None,
        actor_role=role,
        actor_card_id=actor_card_id,
        subject_person_id=subject_person_id,
        subject_card_id=subject_card_id,
        workstation_id=workstation_id,
        address=address,
        facts=_plain(facts),
        statement=statement,
        writer=writer,
        sequence=sequence,
    )
    row.digest = digest_of(row, _key())
    db.session.add(row)
    return row


@dataclass
class Verdict:
    """What a check of the log found. ``changed`` names the rows whose digest is not theirs."""

    checked: int = 0
    changed: list[int] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.changed


def verify(*, after_id: int = 0, batch: int = 1000) -> Verdict:
    """Check every row's digest, from the row after ``after_id`` on."""
    verdict, key = Verdict(), _key()
    for row in _rows(after_id, batch):
        verdict.checked += 1
        if not hmac.compare_digest(row.digest, digest_of(row, key)):
            verdict.changed.append(row.id)
    return verdict


def digest_of(row: AuditEvent, key: bytes) -> str:
    """Return the HMAC-SHA256 (hex) of a row: canonical JSON of all columns but its id."""
    values = {
        column.name: _plain(getattr(row, column.name))
        for column in AuditEvent.__table__.columns
        if column.name not in UNDIGESTED
    }
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key, canonical.encode("ascii"), hashlib.sha256).hexdigest()


def _rows(after_id: int, batch: int) -> Iterator[AuditEvent]:
    while True:
        rows = db.session.scalars(
            select(AuditEvent)
            .where(AuditEvent.id > after_id)
            .order_by(AuditEvent.id)
            .limit(batch)
            .execution_options(populate_existing=True)
        ).all()
        if not rows:
            return
        yield from rows
        after_id = rows[-1].id
        db.session.expunge_all()


def _person_id(actor: Principal | Person | None) -> int | None:
    if actor is None:
        return None
    return actor.person_id if isinstance(actor, Principal) else actor.id


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, the same before it is written and after it is read."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        inner = [_plain(each) for each in value]
        return sorted(inner) if isinstance(value, set | frozenset) else inner
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int):
        return value
    raise TypeError(f"an audit event cannot hold a {type(value).__name__}")


def _key() -> bytes:
    key = current_app.config["AUDIT_KEY"]
    if not key:
        raise RuntimeError("AUDIT_KEY is not set: nothing is done that cannot be recorded")
    return base64.b64decode(key)


class _Writer:
    """This process, as the log knows it; a process that forked off is another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._name = secrets.token_hex(16)
        self._numbers = itertools.count(1)

    def next(self) -> tuple[str, int]:
        with self._lock:
            if self._pid != os.getpid():
                self._begin()
            return self._name, next(self._numbers)


_WRITER = _Writer()
