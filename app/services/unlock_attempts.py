"""What somebody has to show who unlocks a card without an agent: answers, then a mailed code.

The card has proven itself before (``app.card_operations.service_centre``). A guess is counted and
committed before it is judged, by one statement, so that no number of guesses at once, at however
many servers, gets more than three tries in all. A right one gives its try back, and the same wrong
one sent twice, by a double click, costs one. The unlock itself clears them all.
"""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select, update

from app import audit
from app.card_operations import unlock
from app.card_operations.base import Turn, when_done
from app.domain.errors import Conflict, RateLimited, RuleBroken
from app.domain.one_time_code import CodeRefused, Purpose
from app.domain.security_questions import fold
from app.domain.self_service import MOST_FAILURES
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import CardOperation, Person, SelfService
from app.services import alerts, limits, one_time_codes, security_answers
from app.services.keys import vault
from app.services.self_service_rows import locked_row
from app.services.self_service_state import mode

ANSWERED = "answered_at"  # in the facts of the operation
JUDGED_WITHIN = timedelta(minutes=1)  # else the server that had counted a try was stopped


class AnswersNeeded(RuleBroken):
    """No code is sent, nor taken, before the questions were answered in this attempt."""

    reason = "answers-needed"


class AttemptOver(Conflict):
    """The unlock has ended, or somebody has begun it again in another browser."""

    reason = "attempt-over"


@dataclass(frozen=True)
class Right:
    """What was shown is right: the next step may be taken."""


@dataclass(frozen=True)
class Wrong:
    """Something was wrong; which answer it was is not told. ``tries_left`` is at least 1."""

    tries_left: int


@dataclass(frozen=True)
class Blocked:
    """No try is left: the registration authority lifts the block."""


@dataclass(frozen=True)
class _Attempt:
    """One person's way through one unlock, from one proof of the card on."""

    operation_id: int
    public_id: str
    browser: str
    proven_at: str
    person_id: int
    card_id: int | None

    @classmethod
    def of(cls, operation: CardOperation) -> "_Attempt":
        assert operation.person_id is not None
        return cls(
            operation.id,
            operation.public_id,
            operation.browser,
            operation.facts["proven_at"],
            operation.person_id,
            operation.card_id,
        )

    def locked(self) -> CardOperation:
        """The operation, locked, where it still is this attempt's.

        Raises:
            AttemptOver: it is not.
        """
        row = db.session.scalars(
            select(CardOperation).where(CardOperation.id == self.operation_id).with_for_update()
        ).one()
        if row.state.is_over or _Attempt.of(row) != self:
            db.session.rollback()
            raise AttemptOver
        return row


def questions_for(operation: CardOperation) -> list[str]:
    """Return the keys of the questions to answer; none where none is asked, or all were answered.

    They are drawn once and stay the same until an unlock succeeds: starting anew never draws easier
    ones. Commits where it draws.
    """
    if not mode().asks_questions or operation.facts.get(ANSWERED):
        return []
    person_id = _Attempt.of(operation).person_id
    own = _own(person_id)
    if own is None:
        return []
    asked = _drawn(own)
    if asked == own.asked:
        return asked
    locked = locked_row(person_id)
    assert locked is not None
    locked.asked = asked = _drawn(locked)
    db.session.commit()
    return asked


def answer(operation: CardOperation, answers: list[str], now: datetime) -> Right | Wrong | Blocked:
    """Judge the answers to ``questions_for``, in their order; right ones have a code mailed.

    Commits.

    Raises:
        AttemptOver: the unlock has ended meanwhile, or was begun again elsewhere.
    """
    asked, attempt = questions_for(operation), _Attempt.of(operation)
    if not asked:
        return Right()
    own = _own(attempt.person_id)
    kept = security_answers.kept_in(own) if own is not None else {}
    given = dict(zip(asked, [*answers, *[""] * len(asked)], strict=False))
    guessed = _guess_key(attempt, given)
    is_new = limits.is_first(guessed, now=now)  # known before one is judged, for two at once
    counted = _count_failure(attempt.person_id, now) if is_new else None
    if counted is None and (is_new or not _may_try(attempt.person_id)):
        db.session.rollback()
        block_unjudged(now, attempt.person_id)
        return Blocked()
    db.session.commit()
    if not security_answers.all_right(given, kept):
        return _wrong(attempt, counted, now)
    row = attempt.locked()
    limits.forget(guessed)
    if counted is not None:
        _give_back(attempt.person_id)
    if not _may_try(attempt.person_id):
        db.session.rollback()
        return Blocked()
    is_second = ANSWERED in row.facts  # another tab, or a double click: its code is on its way
    row.facts[ANSWERED] = now.isoformat()
    db.session.commit()
    if is_second:
        return Right()
    with suppress(RateLimited):  # the page says so to whoever asks for another
        send_code(row, now)
    return Right()


def send_code(operation: CardOperation, now: datetime) -> None:
    """Mail a code to the registered address, in place of the one before. Commits.

    Raises:
        AnswersNeeded: the questions come first.
        AttemptOver: the unlock has ended, the registration has, or self-service is blocked.
        RateLimited: five were sent within the hour.
    """
    attempt = _answered(operation)
    prepared = one_time_codes.prepare(attempt.person_id, Purpose.UNLOCK, now)
    row = attempt.locked()
    own = locked_row(attempt.person_id)
    if own is None or own.email is None or own.registered_at is None or own.blocked_at is not None:
        db.session.rollback()
        raise AttemptOver
    one_time_codes.send(
        prepared,
        db.session.get_one(Person, attempt.person_id),
        Purpose.UNLOCK,
        to=own.email,
        actor=None,
        now=now,
        number=row.card.number if row.card is not None else None,
        operation=attempt.public_id,
    )
    db.session.commit()


def redeem(operation: CardOperation, typed: str, now: datetime) -> Right | Blocked:
    """Take the code that was mailed: the new passcode may then be set. Commits.

    The fifth wrong one ends the code and counts as a failed attempt.

    Raises:
        AnswersNeeded: the questions come first.
        AttemptOver: the unlock has ended meanwhile, or was begun again elsewhere.
        CodeRefused: it is not the code, or none counts any more.
    """
    attempt = _answered(operation)
    if unlock.is_allowed(operation, now=now):  # another tab was faster
        return Right()
    if not _may_try(attempt.person_id):
        return Blocked()
    try:
        sent = one_time_codes.guess(
            attempt.person_id,
            Purpose.UNLOCK,
            typed,
            now=now,
            lock=lambda: locked_row(attempt.person_id),
            too_many=lambda: _count_wrong_codes(attempt, now),
        )
        row = attempt.locked()
        if unlock.is_allowed(row, now=now):
            db.session.rollback()
            return Right()
        one_time_codes.demand_used(sent.id, now=now)
    except CodeRefused:
        if _may_try(attempt.person_id):
            raise
        return Blocked()
    unlock.allow(row, now=now)
    _record("self-service.code-redeemed", Outcome.DONE, attempt, now)
    db.session.commit()
    return Right()


@when_done(unlock.KIND)
def forget_failures(turn: Turn) -> None:
    """Whoever has unlocked their card by themselves begins from nothing the next time."""
    person_id = turn.operation.person_id
    if turn.operation.facts["mode"] != unlock.SELF_SERVICE or person_id is None:
        return
    db.session.execute(
        update(SelfService)
        .where(SelfService.person_id == person_id, SelfService.blocked_at.is_(None))
        .values(failed_attempts=0, attempted_at=None, asked=None)
    )
    one_time_codes.end_all(person_id, Purpose.UNLOCK, now=turn.now)


def block_unjudged(now: datetime, person_id: int | None = None) -> int:
    """Block whoever's last try was counted and never judged, because a server was stopped.

    Commits. Return how many were blocked.
    """
    wanted = select(SelfService.person_id).where(
        SelfService.failed_attempts >= MOST_FAILURES,
        SelfService.blocked_at.is_(None),
        SelfService.attempted_at < now - JUDGED_WITHIN,
    )
    if person_id is not None:
        wanted = wanted.where(SelfService.person_id == person_id)
    blocked = sum(_block(each, now) for each in db.session.scalars(wanted).all())
    db.session.commit()
    return blocked


def _drawn(own: SelfService) -> list[str]:
    """The questions that were drawn, and as many more as are asked now."""
    known = [each.question for each in own.answers]
    many = min(current_app.config["SECURITY_QUESTIONS_ASKED"], len(known))
    kept = [each for each in own.asked or [] if each in known][:many]
    others = [each for each in known if each not in kept]
    return kept + secrets.SystemRandom().sample(others, many - len(kept))


def _own(person_id: int) -> SelfService | None:
    return db.session.scalar(
        select(SelfService).filter_by(person_id=person_id).execution_options(populate_existing=True)
    )


def _may_try(person_id: int) -> bool:
    """Whether nothing has blocked the person. A try that is being judged is no block."""
    blocked = select(SelfService.blocked_at).where(SelfService.person_id == person_id)
    return db.session.scalar(blocked) is None


def _answered(operation: CardOperation) -> _Attempt:
    if mode().asks_questions and not operation.facts.get(ANSWERED):
        raise AnswersNeeded
    return _Attempt.of(operation)


def _count_failure(person_id: int, now: datetime) -> int | None:
    """Count one try; None where none is left, or nobody may try."""
    return db.session.scalar(
        update(SelfService)
        .where(
            SelfService.person_id == person_id,
            SelfService.registered_at.is_not(None),
            SelfService.blocked_at.is_(None),
            SelfService.failed_attempts < MOST_FAILURES,
        )
        .values(failed_attempts=SelfService.failed_attempts + 1, attempted_at=now)
        .returning(SelfService.failed_attempts)
    )


def _give_back(person_id: int) -> None:
    db.session.execute(
        update(SelfService)
        .where(
            SelfService.person_id == person_id,
            SelfService.blocked_at.is_(None),
            SelfService.failed_attempts > 0,
        )
        .values(failed_attempts=SelfService.failed_attempts - 1)
    )


def _wrong(attempt: _Attempt, counted: int | None, now: datetime) -> Wrong | Blocked:
    """The try stays counted. None was, where these answers were given before in this attempt."""
    if counted is not None:
        _record("self-service.answers-wrong", Outcome.REFUSED, attempt, now, failures=counted)
        if counted >= MOST_FAILURES:
            _block(attempt.person_id, now)
    failures, blocked = db.session.execute(
        select(SelfService.failed_attempts, SelfService.blocked_at).where(
            SelfService.person_id == attempt.person_id
        )
    ).one()
    db.session.commit()
    if blocked is not None or failures >= MOST_FAILURES:
        return Blocked()
    return Wrong(MOST_FAILURES - failures)


def _guess_key(attempt: _Attempt, given: dict[str, str]) -> str:
    """These answers in this attempt, as a keyed digest: nobody can tell what they were. That of
    right ones is not kept.
    """
    folded = sorted((question, fold(each)) for question, each in given.items())
    text = json.dumps([attempt.public_id, attempt.proven_at, folded])
    return f"guess:{vault().blind_index('guess', text)}"


def _count_wrong_codes(attempt: _Attempt, now: datetime) -> None:
    counted = _count_failure(attempt.person_id, now)
    if counted is not None and counted >= MOST_FAILURES:
        _block(attempt.person_id, now)


def _block(person_id: int, now: datetime) -> bool:
    """Block, and tell the person; False if that was done already. Part of the caller's action."""
    blocked = db.session.scalar(
        update(SelfService)
        .where(
            SelfService.person_id == person_id,
            SelfService.blocked_at.is_(None),
            SelfService.failed_attempts >= MOST_FAILURES,
        )
        .values(blocked_at=now)
        .returning(SelfService.failed_attempts)
    )
    if blocked is None:
        return False
    one_time_codes.end_all(person_id, Purpose.UNLOCK, now=now)
    audit.record(
        "self-service.blocked",
        outcome=Outcome.REFUSED,
        actor=None,
        subject_person_id=person_id,
        now=now,
        failures=blocked,
    )
    person = db.session.get_one(Person, person_id)
    alerts.alert(person, "self-service-blocked", now=now, failures=blocked)
    return True


def _record(event: str, outcome: Outcome, attempt: _Attempt, now: datetime, **facts: Any) -> None:
    audit.record(
        event,
        outcome=outcome,
        actor=None,
        subject_person_id=attempt.person_id,
        subject_card_id=attempt.card_id,
        now=now,
        operation=attempt.public_id,
        **facts,
    )
