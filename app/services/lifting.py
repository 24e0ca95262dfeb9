"""Self-service as agents help with it: how it stands, lifting a block, ending a registration.

Each is one transaction with one event that says who and why. Nobody can read an answer here, nor
which questions somebody chose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from app import audit, scope
from app.domain.days import day_of
from app.domain.errors import Invalid, NotFound
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.self_service import MOST_FAILURES, Mode
from app.domain.self_service_help import Help, HelpOffer, demand, offer_help
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.models import Person, SelfService
from app.services import alerts, self_service
from app.services.self_service_rows import locked_row
from app.services.self_service_state import SelfServiceState

REASON_LENGTH = 500
SHOWN = 10  # blocked people on a dashboard


class ReasonProblem(StrEnum):
    MISSING = "reason-missing"
    TOO_LONG = "reason-too-long"


@dataclass(frozen=True, kw_only=True)
class SeenByAgent:
    """How somebody's self-service stands. ``without_questions``: registered while none were asked,
    so that they cannot use it in this mode. ``has_questions``: answers of theirs are kept.
    """

    mode: Mode
    registered_at: datetime | None
    email: str | None
    failures: int
    most: int  # failures, of which the last blocks
    blocked_at: datetime | None
    without_questions: bool
    has_questions: bool
    offers: Mapping[Help, HelpOffer]


@dataclass(frozen=True, kw_only=True)
class BlockedPerson:
    uuid: str
    name: str
    since: datetime


def seen_by_agent(actor: Principal, person_id: int, *, holder_closed: bool) -> SeenByAgent:
    """Return what an agent sees of a person's self-service, whom the caller has found in reach."""
    state = self_service.state_of(person_id)
    return SeenByAgent(
        mode=state.mode,
        registered_at=state.registered_at,
        email=state.email if state.registered else None,
        failures=state.failures,
        most=MOST_FAILURES,
        blocked_at=state.blocked_since,
        without_questions=state.needs_questions,
        has_questions=state.questions_changed_at is not None,
        offers={
            each: _offer(each, actor, person_id, state, holder_closed=holder_closed)
            for each in Help
        },
    )


def lift_block(actor: Principal, person_id: int, reason: str, now: datetime) -> None:
    """Let a person use self-service again: their failed attempts are forgotten. They are told.

    The questions that were drawn stay, so that a lifted block shows nobody others.

    Raises:
        Invalid: without a reason ("reason": ReasonProblem).
        NotFound: there is no such person, or they are out of reach: both look the same.
        NotAllowed, HelpRefused: the agent may not, or nothing is blocked.
    """
    reason = _reason(reason)
    person, row = _demanded(Help.LIFT_BLOCK, actor, person_id, now)
    failures = row.failed_attempts
    row.failed_attempts, row.attempted_at, row.blocked_at = 0, None, None
    _record("self-service.block-lifted", actor, person, now, reason=reason, failures=failures)
    alerts.alert(person, "self-service-block-lifted", now=now, by=actor.name)
    db.session.commit()


def end_registration(actor: Principal, person_id: int, reason: str, now: datetime) -> None:
    """End a person's registration: answers, address, codes and drafts go. They are told.

    An unlocking that they began by themselves is given up. Failed attempts and a block outlive it.

    Raises:
        Invalid: without a reason ("reason": ReasonProblem).
        NotFound: there is no such person, or they are out of reach: both look the same.
        NotAllowed, HelpRefused: the agent may not, or the person is not registered.
    """
    reason = _reason(reason)
    begun = self_service.locked_unlocks(person_id)
    person, row = _demanded(Help.END_REGISTRATION, actor, person_id, now)
    address = row.email
    self_service.forget(row, begun, now)
    _record("self-service.ended", actor, person, now, reason=reason)
    alerts.alert(person, "self-service-ended", now=now, also=[address], by=actor.name)
    db.session.commit()


def blocked_in_reach(actor: Principal, *, now: datetime) -> list[BlockedPerson]:
    """Return the people whom an agent reaches and whose block they may lift, the newest first;
    nobody while self-service is off, when a block keeps nobody from anything.
    """
    if not actor.may(Permission.LIFT_BLOCK) or self_service.mode() is Mode.OFF:
        return []
    whom = scope.belongs(scope.organisations(actor), day_of(now))
    rows = db.session.execute(
        select(Person.uuid, Person.given_name, Person.family_name, SelfService.blocked_at)
        .join(Person, Person.id == SelfService.person_id)
        .where(
            SelfService.blocked_at.is_not(None),
            Person.id != actor.person_id,
            Person.status == PersonStatus.OPEN,
            whom,
        )
        .order_by(SelfService.blocked_at.desc())
        .limit(SHOWN)
    )
    return [
        BlockedPerson(
            uuid=row.uuid, name=f"{row.given_name} {row.family_name}", since=row.blocked_at
        )
        for row in rows
    ]


def _demanded(
    help_: Help, actor: Principal, person_id: int, now: datetime
) -> tuple[Person, SelfService]:
    """Return whom it is about, locked, where the agent may do this."""
    if not scope.reaches(actor, person_id, today=day_of(now)):
        raise NotFound("person", person_id)
    person = db.session.get_one(Person, person_id)
    row = locked_row(person_id)
    state = self_service.state_of(person_id)
    closed = person.status is PersonStatus.CLOSED
    demand(_offer(help_, actor, person_id, state, holder_closed=closed))
    assert row is not None, "nobody is registered or blocked without a row"
    return person, row


def _offer(
    help_: Help,
    actor: Principal,
    person_id: int,
    state: SelfServiceState,
    *,
    holder_closed: bool,
) -> HelpOffer:
    return offer_help(
        help_,
        role=actor.role,
        own=person_id == actor.person_id,
        registered=state.registered,
        blocked=state.blocked_since is not None,
        holder_closed=holder_closed,
    )


def _record(event: str, actor: Principal, person: Person, now: datetime, **facts: Any) -> None:
    audit.record(
        event, outcome=Outcome.DONE, actor=actor, subject_person_id=person.id, now=now, **facts
    )


def _reason(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid({"reason": ReasonProblem.MISSING})
    if len(text) > REASON_LENGTH:
        raise Invalid({"reason": ReasonProblem.TOO_LONG})
    return text
