"""Signing in, staying signed in, and every way in which a session ends.

The browser's cookie holds a random token; the row has only its SHA-256. Functions that say "part of
the caller's action" leave the commit to the caller; all others commit.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import joinedload

from app import audit
from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of
from app.domain.errors import NotFound
from app.domain.principal import Principal
from app.domain.session_rules import SessionLimits, SessionTimes
from app.domain.statuses import Outcome, PersonStatus, SessionEnd
from app.extensions import db
from app.models import Assignment, Card, Organisation, Person, Position, Session
from app.services.running_session import RUNNING, current

__all__ = [
    "Principal",
    "begin",
    "change_role",
    "current_assignments",
    "end",
    "end_all_of_card",
    "end_all_of_person",
    "end_all_of_workstation",
    "end_reason",
    "limits",
    "load",
    "take_presence",
    "times",
]

_STATUS_ENDS = {
    CardStatus.CANCELLED: SessionEnd.CARD_CANCELLED,
    CardStatus.SUSPENDED: SessionEnd.CARD_SUSPENDED,
    CardStatus.BLANK: SessionEnd.CARD_CANCELLED,
}


def begin(
    *,
    person: Person,
    card: Card,
    assignment_id: int | None,
    seat: str,
    bridge_instance: str,
    workstation_id: int | None,
    browser: str,
    now: datetime,
) -> str:
    """Begin a session and return its token. Part of the caller's action.

    Sessions that began before the card was put in again, or elsewhere, are over.
    """
    of_card, here = Session.card_id == card.id, Session.bridge_instance == bridge_instance
    _end_all(and_(of_card, here, Session.seat != seat), SessionEnd.CARD_REMOVED, now)
    _end_all(and_(of_card, ~here), SessionEnd.REPLACED, now)
    token = secrets.token_urlsafe(32)
    db.session.add(
        Session(
            token_digest=_digest(token),
            person_id=person.id,
            card_id=card.id,
            assignment_id=assignment_id,
            guid=card.guid,
            seat=seat,
            bridge_instance=bridge_instance,
            workstation_id=workstation_id,
            browser=browser,
            started_at=now,
            last_seen_at=now,
            last_presence_at=now,
        )
    )
    return token


def load(token: str, now: datetime, *, active: bool = True) -> Principal | None:
    """Return who is signed in with ``token``, or None; end the session if its time is over.

    One query. ``active`` says that a person caused this: then "last seen" moves, at most once a
    minute. What a page does by itself (proofs of presence, polling) keeps nobody signed in.
    """
    row = db.session.execute(
        RUNNING,
        {
            "digest": _digest(token),
            "today": day_of(now),
            "works_since": now - limits().operation,
        },
    ).one_or_none()
    if row is None:
        return None
    lasts = _times_of(row)
    reason = _STATUS_ENDS.get(row.card_status) or lasts.over(now)
    if reason is None and lasts.outlives(row.card_expires_on, now):
        reason = SessionEnd.CARD_EXPIRED
    if row.person_status is PersonStatus.CLOSED:
        reason = SessionEnd.ACCOUNT_CLOSED
    if reason is not None:
        end(row.id, reason, now)
        return None
    seen = row.last_seen_at
    if active and lasts.should_be_seen(now):
        seen = now
        _see(row.id, now)
    return _principal(row, _times_of(row, last_seen_at=seen))


def limits() -> SessionLimits:
    """Return how long sessions of this service last."""
    return SessionLimits.of_seconds(**current_app.config["SESSION_SECONDS"])


def times(session_id: int) -> SessionTimes | None:
    """Return the moments of a running session, or None when it is over."""
    row = db.session.execute(
        select(
            Session.started_at,
            Session.last_seen_at,
            Session.last_presence_at,
            Session.busy_since,
        ).where(Session.id == session_id, Session.ended_at.is_(None))
    ).one_or_none()
    return None if row is None else SessionTimes(**row._mapping, limits=limits())


def take_presence(session_id: int, now: datetime, *, at_once: bool = False) -> bool:
    """Say whether the page that asks is the one whose card proves its presence now.

    Of several pages, workers and servers that hear the same tick one gets True: one UPDATE
    decides. Another may have its turn when the proof has not come in time. ``at_once``: also
    when the last proof is young.
    """
    allowed = limits()
    due = timedelta(0) if at_once else allowed.proof_due
    taken = db.session.execute(
        update(Session)
        .where(
            Session.id == session_id,
            Session.ended_at.is_(None),
            Session.last_presence_at <= now - due,
            or_(
                Session.presence_asked_at.is_(None),
                Session.presence_asked_at <= now - allowed.proof_takes,
            ),
        )
        .values(presence_asked_at=now)
        .returning(Session.id)
    ).one_or_none()
    db.session.commit()
    return taken is not None


def end_reason(token: str) -> SessionEnd | None:
    """Return why the session of ``token`` is over; None when it is not, or never was."""
    return db.session.scalar(
        select(Session.end_reason).where(Session.token_digest == _digest(token))
    )


def end(session_id: int, reason: SessionEnd, now: datetime) -> bool:
    """End one session. Return False if it was over already: then nothing is recorded twice."""
    ended = db.session.execute(
        update(Session)
        .where(Session.id == session_id, Session.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason)
        .returning(Session.person_id, Session.card_id, Session.workstation_id)
    ).one_or_none()
    if ended is None:
        db.session.rollback()
        return False
    _record_end(ended, reason, now)
    db.session.commit()
    return True


def end_all_of_card(card_id: int, reason: SessionEnd, now: datetime) -> int:
    """End every session of a card, at once. Part of the caller's action. Return how many."""
    return _end_all(Session.card_id == card_id, reason, now)


def end_all_of_person(person_id: int, reason: SessionEnd, now: datetime) -> int:
    """End every session of a person, at once. Part of the caller's action. Return how many."""
    return _end_all(Session.person_id == person_id, reason, now)


def end_all_of_workstation(workstation_id: int, reason: SessionEnd, now: datetime) -> int:
    """End every session of a PC, at once. Part of the caller's action. Return how many."""
    return _end_all(Session.workstation_id == workstation_id, reason, now)


def current_assignments(person_id: int, *, now: datetime) -> list[Assignment]:
    """Return the positions that a person holds today, with their organisations, in list order."""
    return list(
        db.session.scalars(
            select(Assignment)
            .join(Assignment.position)
            .join(Position.organisation)
            .options(joinedload(Assignment.position).joinedload(Position.organisation))
            .where(
                Assignment.person_id == person_id,
                current(day_of(now)),
            )
            .order_by(Organisation.name, Position.name, Assignment.id)
        )
    )


def change_role(actor: Principal, assignment_id: int, *, now: datetime) -> None:
    """Act in another of the positions that the person holds today, without signing out.

    Raises:
        NotFound: it is not a current position of this person, or the session is over.
    """
    held = {each.id: each for each in current_assignments(actor.person_id, now=now)}
    if assignment_id not in held:
        raise NotFound("assignment", assignment_id)
    changed = db.session.execute(
        update(Session)
        .where(Session.id == actor.session_id, Session.ended_at.is_(None))
        .values(assignment_id=assignment_id)
        .returning(Session.id)
    ).one_or_none()
    if changed is None:
        db.session.rollback()
        raise NotFound("session", actor.session_id)
    position = held[assignment_id].position
    audit.record(
        "session.role-changed",
        outcome=Outcome.DONE,
        actor=actor,
        subject_person_id=actor.person_id,
        subject_card_id=actor.card_id,
        now=now,
        role=position.role,
        organisation=position.organisation.code,
        position=position.code,
    )
    db.session.commit()


def _times_of(row: Any, last_seen_at: datetime | None = None) -> SessionTimes:
    return SessionTimes(
        started_at=row.started_at,
        last_seen_at=last_seen_at or row.last_seen_at,
        last_presence_at=row.last_presence_at,
        busy_since=row.busy_since,
        working=bool(row.working),
        limits=limits(),
    )


def _principal(row: Any, lasts: SessionTimes) -> Principal:
    return Principal(
        session_id=row.id,
        person_id=row.person_id,
        uuid=row.uuid,
        given_name=row.given_name,
        family_name=row.family_name,
        title=row.title,
        role=row.role,
        organisation_id=row.organisation_id,
        organisation_code=row.organisation_code,
        organisation_name=row.organisation_name,
        assignment_id=row.assignment_id,
        position_name=row.position_name,
        card_id=row.card_id,
        card_guid=row.guid,
        seat=row.seat,
        bridge_instance=row.bridge_instance,
        workstation_id=row.workstation_id,
        signed_in_at=row.started_at,
        idle_ends_at=lasts.idle_ends_at,
        total_ends_at=lasts.total_ends_at,
        presence_ends_at=lasts.presence_ends_at,
    )


def _see(session_id: int, now: datetime) -> None:
    # A transaction of its own: of two requests in the same minute, one finds the work done
    db.session.rollback()
    db.session.execute(
        update(Session)
        .where(Session.id == session_id, Session.last_seen_at <= now - limits().seen_every)
        .values(last_seen_at=now)
    )
    db.session.commit()


def _end_all(condition: ColumnElement[bool], reason: SessionEnd, now: datetime) -> int:
    ended = db.session.execute(
        update(Session)
        .where(condition, Session.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason)
        .returning(Session.person_id, Session.card_id, Session.workstation_id)
    ).all()
    for row in ended:
        _record_end(row, reason, now)
    return len(ended)


def _record_end(row: Any, reason: SessionEnd, now: datetime) -> None:
    audit.record(
        "session.ended",
        outcome=Outcome.DONE,
        actor=None,
        subject_person_id=row.person_id,
        subject_card_id=row.card_id,
        workstation_id=row.workstation_id,
        now=now,
        reason=reason,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
