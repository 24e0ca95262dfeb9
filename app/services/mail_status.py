"""How the mail is doing: what waits, what the mail server does not take, what was given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from app.extensions import db
from app.models import OutboxMessage
from app.services import outbox

SHOWN = 50
LATE = timedelta(hours=1)  # after which a message that waits tells that nobody delivers

CODES_TOLD = timedelta(days=1)  # for how long a code that nobody received is a matter of today

# A message with a secret that was given up is wiped: it cannot be tried again
_FAILED = OutboxMessage.failed_at.is_not(None)
_GIVEN_UP = (_FAILED, OutboxMessage.ref.is_(None))
_WAITS = (OutboxMessage.delivered_at.is_(None), OutboxMessage.failed_at.is_(None))


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What an RA manager is told. ``since`` is when the oldest message that waits was written.

    ``codes`` are those of self-service that the mail server did not take in time, today.
    """

    given_up: int
    codes: int
    retried: int
    since: datetime | None  # only where it has waited for too long

    def __bool__(self) -> bool:
        return bool(self.given_up or self.codes or self.retried or self.since)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One message that the mail server did not take. ``for_good``: it is not tried again, even when
    asked to: the code in it has ended.
    """

    id: int
    template: str
    to: str
    created_at: datetime
    attempts: int
    last_error: str | None
    given_up: bool
    for_good: bool


@dataclass(frozen=True, kw_only=True)
class MailStatus:
    """``problems`` are the newest; ``trouble`` counts them all."""

    waiting: int
    trouble: Trouble
    problems: list[Problem]


def trouble(now: datetime) -> Trouble:
    """Say whether mail has a problem: two queries, each of an index that holds only such rows."""
    given_up, codes = db.session.execute(
        select(
            func.count().filter(OutboxMessage.ref.is_(None)),
            func.count().filter(_is_lost_code(now)),
        ).where(_FAILED)
    ).one()
    retried, oldest = db.session.execute(
        select(
            func.count(OutboxMessage.last_error),  # those that have one
            func.min(OutboxMessage.created_at),
        ).where(*_WAITS)
    ).one()
    late = oldest is not None and oldest <= now - LATE
    return Trouble(given_up=given_up, codes=codes, retried=retried, since=oldest if late else None)


def status(now: datetime) -> MailStatus:
    """Return what an administrator is shown."""
    waiting = db.session.scalar(select(func.count()).select_from(OutboxMessage).where(*_WAITS))
    given_up = list(
        db.session.scalars(
            select(OutboxMessage)
            .where(_FAILED, or_(OutboxMessage.ref.is_(None), _is_lost_code(now)))
            .order_by(OutboxMessage.failed_at.desc())
            .limit(SHOWN)
        )
    )
    retried = list(
        db.session.scalars(
            select(OutboxMessage)
            .where(*_WAITS, OutboxMessage.last_error.is_not(None))
            .order_by(OutboxMessage.not_before)
            .limit(SHOWN)
        )
    )
    return MailStatus(
        waiting=waiting or 0,
        trouble=trouble(now),
        problems=[_problem(each) for each in given_up + retried],
    )


def retry(now: datetime) -> int:
    """Have everything that was given up tried again from the beginning. Return how many."""
    again = db.session.execute(
        update(OutboxMessage)
        .where(*_GIVEN_UP)
        .values(failed_at=None, attempts=0, last_error=None, not_before=now)
        .returning(OutboxMessage.id)
    ).all()
    db.session.commit()
    return len(again)


def _problem(message: OutboxMessage) -> Problem:
    return Problem(
        id=message.id,
        template=message.template,
        to=message.to,
        created_at=message.created_at,
        attempts=message.attempts,
        last_error=message.last_error,
        given_up=message.failed_at is not None,
        for_good=message.failed_at is not None and message.ref is not None,
    )


def _is_lost_code(now: datetime) -> ColumnElement[bool]:
    """The condition under which a message with a code was given up of late, by no one's wish."""
    return and_(
        OutboxMessage.ref.is_not(None),
        OutboxMessage.failed_at > now - CODES_TOLD,
        func.coalesce(OutboxMessage.last_error, "") != outbox.WITHDRAWN,
    )
