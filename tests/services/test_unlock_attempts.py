"""Answers and codes of somebody who unlocks a card without an agent, on both databases."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.domain.one_time_code import MOST_WRONG, CodeRefused
from app.domain.security_questions import QUESTIONS, fold
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import (
    AuditEvent,
    Base,
    CardOperation,
    OneTimeCode,
    OutboxMessage,
    RateLimit,
    SecurityAnswer,
    SelfService,
)
from app.services import security_answers, unlock_attempts
from app.services.unlock_attempts import AnswersNeeded, AttemptOver, Blocked, Right, Wrong
from tests.parts.at_once import at_once
from tests.parts.clock import START, FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.hashing import QUICK, Counted, counting
from tests.parts.people import a_card, a_person

pytestmark = pytest.mark.usefixtures("db_session")

NHS, CONTACT = "ada@nhs.net", "ada@home.example"
Q = list(QUESTIONS)[:4]
ANSWERS = dict(zip(Q, ["Mrs Patel", "Tunde Okoye", "Mr Snuffles", "Pip-squeak"], strict=True))


@pytest.fixture(scope="module")
def hashes() -> dict[str, str]:
    """Made once: what is judged here is not how they are made."""
    return {question: QUICK.hash(fold(answer)) for question, answer in ANSWERS.items()}


@pytest.fixture
def operation(hashes: dict[str, str]) -> CardOperation:
    """The unlock of somebody's card, which has proven itself."""
    card = a_card(a_person(email=CONTACT))
    row = SelfService(
        person_id=card.person_id, email=NHS, registered_at=START, questions_changed_at=START
    )
    db.session.add(row)
    security_answers.keep(row, hashes)
    operation = CardOperation(
        public_id="op-1", kind="unlock", state=OperationState.WAITING, step="unlock",
        browser="b" * 64, card=card, person_id=card.person_id, started_at=START, updated_at=START,
        facts={"mode": "self-service", "shown_guid": card.guid, "proven_at": START.isoformat()},
    )  # fmt: skip
    db.session.add(operation)
    db.session.commit()
    return operation


@pytest.fixture
def counted(app: Flask) -> Iterator[Counted]:
    with counting(app) as counted:
        yield counted


def own() -> SelfService:
    return db.session.scalars(select(SelfService).execution_options(populate_existing=True)).one()


def right(operation: CardOperation) -> list[str]:
    return [ANSWERS[question] for question in unlock_attempts.questions_for(operation)]


def wrong(operation: CardOperation, number: int = 0) -> list[str]:
    return [*right(operation)[:-1], f"wrong {number}"]


def events() -> list[str]:
    found = db.session.scalars(select(AuditEvent.event).order_by(AuditEvent.id))
    return [each.removeprefix("self-service.") for each in found]


def take_over(operation: CardOperation, now: datetime) -> None:
    """The card has proven itself again, in another browser."""
    operation.browser = "c" * 64
    operation.facts = {
        "mode": "self-service", "shown_guid": "x", "proven_at": now.isoformat(),
    }  # fmt: skip
    db.session.commit()


def code_for(operation: CardOperation, now: datetime) -> str:
    """Answer rightly and return the code that is mailed."""
    assert unlock_attempts.answer(operation, right(operation), now) == Right()
    return mailed_code(NHS)


def other(code: str, by: int = 1) -> str:
    return f"{(int(code) + by) % 1_000_000:06}"


def type_wrong_codes(operation: CardOperation, code: str, now: datetime) -> object:
    for number in range(1, MOST_WRONG):
        with pytest.raises(CodeRefused):
            unlock_attempts.redeem(operation, other(code, number), now)
    try:
        return unlock_attempts.redeem(operation, other(code, MOST_WRONG), now)
    except CodeRefused as refusal:
        return refusal.reason


def test_right_answers_have_a_code_mailed_and_the_code_allows_the_new_passcode(
    operation: CardOperation, clock: FrozenClock
) -> None:
    code = code_for(operation, clock())
    assert own().failed_attempts == 0
    assert unlock_attempts.questions_for(operation) == []
    assert unlock_attempts.redeem(operation, code, clock()) == Right()
    assert operation.facts["allowed_at"] == clock().isoformat()
    assert unlock_attempts.redeem(operation, code, clock()) == Right(), "a second tab"
    assert events() == ["code-sent", "code-redeemed"]


def test_wrong_answers_are_counted_and_the_third_blocks_and_tells_both_addresses(
    operation: CardOperation, clock: FrozenClock
) -> None:
    assert unlock_attempts.answer(operation, wrong(operation, 1), clock()) == Wrong(2)
    assert unlock_attempts.answer(operation, wrong(operation, 2), clock()) == Wrong(1)
    assert unlock_attempts.answer(operation, wrong(operation, 3), clock()) == Blocked()
    assert (own().failed_attempts, own().blocked_at) == (3, clock())
    assert unlock_attempts.answer(operation, right(operation), clock()) == Blocked()
    assert events() == ["answers-wrong"] * 3 + ["blocked"]
    told = select(OutboxMessage.to).filter_by(template="self-service-blocked")
    assert set(db.session.scalars(told)) == {CONTACT, NHS}
    assert db.session.scalar(select(func.count()).select_from(OneTimeCode)) == 0


def test_failures_add_up_across_attempts_and_a_right_answer_does_not_clear_them(
    operation: CardOperation, clock: FrozenClock
) -> None:
    unlock_attempts.answer(operation, wrong(operation, 1), clock())
    take_over(operation, clock.advance(hours=1))
    unlock_attempts.answer(operation, wrong(operation, 1), clock())
    code_for(operation, clock())
    assert own().failed_attempts == 2
    take_over(operation, clock.advance(hours=1))
    assert unlock_attempts.answer(operation, wrong(operation, 1), clock()) == Blocked()


def test_the_same_wrong_answers_sent_twice_are_one_failure(
    operation: CardOperation, clock: FrozenClock
) -> None:
    typed = wrong(operation)
    assert unlock_attempts.answer(operation, typed, clock()) == Wrong(2)
    shouted = [each.upper() for each in typed]
    assert unlock_attempts.answer(operation, shouted, clock()) == Wrong(2)
    assert (own().failed_attempts, events()) == (1, ["answers-wrong"])


def test_the_same_wrong_answers_sent_many_times_at_once_are_one_failure_and_block_nobody(
    app: Flask, operation: CardOperation, clock: FrozenClock
) -> None:
    unlock_attempts.answer(operation, wrong(operation, 1), clock())
    typed, number = wrong(operation, 2), operation.id
    db.session.remove()
    done = at_once(
        app,
        6,
        lambda: unlock_attempts.answer(db.session.get_one(CardOperation, number), typed, clock()),
    )
    assert done == [Wrong(1)] * 6
    assert (own().failed_attempts, events()) == (2, ["answers-wrong"] * 2)


def test_the_right_answers_sent_twice_as_the_last_try_are_right_and_leave_no_digest(
    app: Flask, operation: CardOperation, clock: FrozenClock
) -> None:
    for failure in range(2):
        unlock_attempts.answer(operation, wrong(operation, failure), clock())
    answers, number = right(operation), operation.id
    db.session.remove()
    done = at_once(
        app,
        2,
        lambda: unlock_attempts.answer(db.session.get_one(CardOperation, number), answers, clock()),
    )
    assert done == [Right(), Right()]
    assert own().failed_attempts == 2
    kept = select(func.count()).select_from(RateLimit).where(RateLimit.key.like("guess:%"))
    assert db.session.scalar(kept) == 2


def test_the_questions_stay_the_same_until_an_unlock_succeeds(
    app: Flask, operation: CardOperation, clock: FrozenClock
) -> None:
    asked = unlock_attempts.questions_for(operation)
    assert len(set(asked)) == 3
    for number in range(2):
        unlock_attempts.answer(operation, wrong(operation, number), clock())
        take_over(operation, clock.advance(minutes=1))
        assert unlock_attempts.questions_for(operation) == asked
    app.config["SECURITY_QUESTIONS_ASKED"] = 4
    assert unlock_attempts.questions_for(operation)[:3] == asked
    assert set(unlock_attempts.questions_for(operation)) == set(Q)
    app.config["SECURITY_QUESTIONS_ASKED"] = 2
    assert unlock_attempts.questions_for(operation) == asked[:2]


def test_different_people_are_asked_different_questions() -> None:
    drawn = set()
    for _ in range(60):
        answers = [SecurityAnswer(question=question) for question in Q]
        drawn.add(tuple(unlock_attempts._drawn(SelfService(answers=answers))))
    assert len(drawn) > 5


def test_answers_are_judged_all_however_many_are_wrong(
    operation: CardOperation, clock: FrozenClock, counted: Counted
) -> None:
    unlock_attempts.answer(operation, ["x", "y", "z"], clock())
    assert (counted.made, counted.judged) == (0, 3)
    unlock_attempts.answer(operation, right(operation), clock())
    assert (counted.made, counted.judged) == (1, 6)  # and the code


def test_a_blocked_person_costs_no_hash(
    operation: CardOperation, clock: FrozenClock, counted: Counted
) -> None:
    db.session.execute(update(SelfService).values(failed_attempts=3, blocked_at=clock()))
    db.session.commit()
    assert unlock_attempts.answer(operation, right(operation), clock()) == Blocked()
    assert (counted.made, counted.judged) == (0, 0)


def test_fifty_guesses_at_once_have_three_tries_in_all(
    app: Flask, operation: CardOperation, clock: FrozenClock, counted: Counted
) -> None:
    asked = unlock_attempts.questions_for(operation)
    number = operation.id
    guesses = iter(range(50))
    db.session.remove()

    def guess() -> object:
        row = db.session.get_one(CardOperation, number)
        return unlock_attempts.answer(row, [f"guess {next(guesses)}"] * len(asked), clock())

    done = at_once(app, 50, guess)
    assert all(isinstance(each, Wrong | Blocked) for each in done), done
    assert counted.judged == 3 * len(asked)
    assert (own().failed_attempts, own().blocked_at) == (3, clock())
    assert sorted(events()) == ["answers-wrong"] * 3 + ["blocked"]


def test_right_answers_in_two_tabs_at_once_are_right_and_cost_nothing(
    app: Flask, operation: CardOperation, clock: FrozenClock
) -> None:
    answers, number = right(operation), operation.id
    db.session.remove()
    done = at_once(
        app,
        4,
        lambda: unlock_attempts.answer(db.session.get_one(CardOperation, number), answers, clock()),
    )
    assert done == [Right()] * 4
    assert (own().failed_attempts, events()) == (0, ["code-sent"])
    live = select(func.count()).select_from(OneTimeCode).where(OneTimeCode.ended_at.is_(None))
    assert db.session.scalar(live) == 1


def test_no_code_is_sent_or_taken_before_the_answers(
    operation: CardOperation, clock: FrozenClock
) -> None:
    with pytest.raises(AnswersNeeded):
        unlock_attempts.send_code(operation, clock())
    with pytest.raises(AnswersNeeded):
        unlock_attempts.redeem(operation, "123456", clock())


def test_an_attempt_that_somebody_took_over_goes_no_further(
    operation: CardOperation, clock: FrozenClock
) -> None:
    answers = right(operation)
    stale = unlock_attempts._Attempt.of(operation)
    take_over(operation, clock.advance(minutes=1))
    with pytest.raises(AttemptOver):
        stale.locked()
    with pytest.raises(AnswersNeeded):
        unlock_attempts.send_code(operation, clock())
    assert unlock_attempts.answer(operation, answers, clock()) == Right()


def test_five_wrong_codes_end_the_code_and_are_one_failed_attempt(
    operation: CardOperation, clock: FrozenClock
) -> None:
    code = code_for(operation, clock())
    assert type_wrong_codes(operation, code, clock()) == "code-too-many"
    assert own().failed_attempts == 1
    unlock_attempts.send_code(operation, clock())
    type_wrong_codes(operation, mailed_code(NHS), clock())
    unlock_attempts.send_code(operation, clock())
    assert type_wrong_codes(operation, mailed_code(NHS), clock()) == Blocked()
    assert own().blocked_at == clock()
    with pytest.raises(AttemptOver):
        unlock_attempts.send_code(operation, clock())
    assert unlock_attempts.redeem(operation, "123456", clock()) == Blocked()


def test_in_the_mode_with_a_code_alone_nothing_is_asked(
    app: Flask, operation: CardOperation, clock: FrozenClock, counted: Counted
) -> None:
    app.config["SELF_SERVICE_MODE"] = "code"
    assert unlock_attempts.questions_for(operation) == []
    unlock_attempts.send_code(operation, clock())
    assert unlock_attempts.redeem(operation, mailed_code(NHS), clock()) == Right()
    assert (counted.made, counted.judged) == (1, 1)


def test_a_try_that_was_counted_and_never_judged_stays_counted_and_blocks_in_the_end(
    operation: CardOperation, clock: FrozenClock
) -> None:
    db.session.execute(update(SelfService).values(failed_attempts=3, attempted_at=clock()))
    db.session.commit()
    assert unlock_attempts.answer(operation, right(operation), clock()) == Blocked()
    assert own().blocked_at is None, "it may be judged in this very moment"
    clock.advance(minutes=1, seconds=1)
    assert unlock_attempts.answer(operation, right(operation), clock()) == Blocked()
    assert own().blocked_at == clock()
    assert unlock_attempts.block_unjudged(clock()) == 0


def test_what_is_kept_of_a_guess_tells_nobody_what_it_was(
    operation: CardOperation, clock: FrozenClock
) -> None:
    unlock_attempts.answer(operation, ["Rumpelstilzchen"] * 3, clock())
    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            assert "rumpel" not in json.dumps(row._asdict(), default=str).casefold(), table.name


def test_judging_takes_few_queries(
    operation: CardOperation,
    clock: FrozenClock,
    count_queries: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    answers = wrong(operation)
    with count_queries() as queries:
        unlock_attempts.answer(operation, answers, clock())
    assert len(queries) <= 14, queries


def test_the_code_that_was_sent_may_be_superseded_and_expires(
    operation: CardOperation, clock: FrozenClock
) -> None:
    first = code_for(operation, clock())
    db.session.execute(update(OutboxMessage).values(delivered_at=clock()))
    db.session.commit()
    with pytest.raises(CodeRefused) as refusal:
        unlock_attempts.redeem(operation, first, clock.advance(minutes=15))
    assert refusal.value.reason == "code-expired"
    unlock_attempts.send_code(operation, clock())
    assert unlock_attempts.redeem(operation, mailed_code(NHS), clock()) == Right()
