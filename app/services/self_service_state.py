"""How somebody's self-service stands and how far a change has come: read here, not changed."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import bindparam, select

from app.domain.one_time_code import Purpose
from app.domain.principal import Principal
from app.domain.self_service import MOST_FAILURES, Change, Mode, steps
from app.extensions import db
from app.models import Person, SelfService, SelfServiceDraft
from app.services import one_time_codes
from app.services.one_time_codes import SentCode
from app.services.self_service_rows import plain_draft

PURPOSES = {Change.REGISTER: Purpose.REGISTRATION, Change.EMAIL: Purpose.EMAIL}


@dataclass(frozen=True, kw_only=True)
class SelfServiceState:
    """How somebody's self-service stands. ``begun`` are the changes that have a draft."""

    mode: Mode
    registered_at: datetime | None
    email: str | None
    questions_changed_at: datetime | None
    failures: int
    blocked_since: datetime | None
    begun: frozenset[Change]

    @property
    def registered(self) -> bool:
        return self.registered_at is not None

    @property
    def needs_questions(self) -> bool:
        """Whether they registered while no questions were asked, and cannot unlock until then."""
        return self.registered and self.mode.asks_questions and self.questions_changed_at is None

    @property
    def lacks_something(self) -> bool:
        """Whether they could unlock their own card once they had registered, or chosen questions.

        Whom a block keeps from it needs somebody else's help first.
        """
        could = self.mode is not Mode.OFF and self.blocked_since is None
        return could and (not self.registered or self.needs_questions)

    @property
    def open(self) -> frozenset[Change]:
        """The changes that can be made now."""
        offered = {Change.QUESTIONS, Change.EMAIL} if self.registered else {Change.REGISTER}
        return frozenset(change for change in offered if steps(change, self.mode))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """How far a change has come. ``proven``: the passcode was shown in this session.

    ``questions`` are the keys of those whose answers are kept; ``email`` is where a code was sent.
    """

    change: Change
    proven: bool
    questions: list[str]
    email: str | None
    updated_at: datetime


def mode() -> Mode:
    return Mode(current_app.config["SELF_SERVICE_MODE"])


def approved_domains() -> tuple[str, ...]:
    domains: tuple[str, ...] = current_app.config["APPROVED_MAIL_DOMAINS"]
    return domains


# Put together once: every profile asks it
_STATE = (
    select(
        SelfService.email,
        SelfService.registered_at,
        SelfService.questions_changed_at,
        SelfService.failed_attempts,
        SelfService.attempted_at,
        SelfService.blocked_at,
        SelfServiceDraft.change,
    )
    .select_from(Person)
    .outerjoin(SelfService, SelfService.person_id == Person.id)
    .outerjoin(SelfServiceDraft, SelfServiceDraft.person_id == Person.id)
    .where(Person.id == bindparam("person_id"))
)


def state_of(person_id: int) -> SelfServiceState:
    """Return how somebody's self-service stands: one query."""
    rows = db.session.execute(_STATE, {"person_id": person_id}).all()
    row = rows[0] if rows else None
    failures = (row.failed_attempts or 0) if row else 0
    blocked = row.blocked_at if row else None
    if row and blocked is None and failures >= MOST_FAILURES:
        blocked = row.attempted_at
    return SelfServiceState(
        mode=mode(),
        registered_at=row.registered_at if row else None,
        email=row.email if row else None,
        questions_changed_at=row.questions_changed_at if row else None,
        failures=failures,
        blocked_since=blocked,
        begun=frozenset(each.change for each in rows if each.change is not None),
    )


def draft_of(principal: Principal, change: Change) -> Draft | None:
    """Return how far the person's change has come; None where it was not begun."""
    row = plain_draft(principal.person_id, change)
    if row is None:
        return None
    questions = list(row.questions or [])
    if not questions and change is Change.QUESTIONS:
        kept = db.session.scalar(select(SelfService).filter_by(person_id=principal.person_id))
        questions = [each.question for each in kept.answers] if kept else []
    return Draft(
        change=change,
        proven=row.proven_session_id == principal.session_id,
        questions=questions,
        email=row.email,
        updated_at=row.updated_at,
    )


def code_of(principal: Principal, change: Change, now: datetime) -> SentCode | None:
    """Return what may be told of the code that was sent last for a change."""
    return one_time_codes.newest(principal.person_id, PURPOSES[change], now)
