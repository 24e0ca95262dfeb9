"""Codes on both databases: mailed once, counted before they are judged, ended once."""

import re
from datetime import datetime
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.domain.errors import RateLimited
from app.domain.one_time_code import MOST_WRONG, CodeRefused, CodeState, Ended, Purpose
from app.extensions import db
from app.models import AuditEvent, OneTimeCode, OutboxMessage, Person, RateLimit
from app.services import hashing, one_time_codes, outbox
from tests.parts.at_once import at_once
from tests.parts.clock import FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.people import a_person

pytestmark = pytest.mark.usefixtures("db_session")

ADA = "ada@northmere.nhs.uk"
UNLOCK = Purpose.UNLOCK


@pytest.fixture
def ada() -> Person:
    return a_person(email=ADA)


def send(person: Person, now: datetime, purpose: Purpose = UNLOCK, to: str = ADA) -> str:
    """Send one and return it, as the mail says it."""
    prepared = one_time_codes.prepare(person.id, purpose, now)
    one_time_codes.send(prepared, person, purpose, to=to, actor=None, now=now)
    db.session.commit()
    return mailed_code(to)


def wrong(code: str, number: int = 1) -> str:
    return f"{(int(code) + number) % 1_000_000:06}"


def refusal(person: Person, typed: str, now: datetime) -> CodeRefused:
    with pytest.raises(CodeRefused) as refused:
        one_time_codes.guess(person.id, UNLOCK, typed, now=now)
    return refused.value


def deliver(now: datetime) -> None:
    """The mail server takes everything."""
    for message in db.session.scalars(select(OutboxMessage)):
        message.delivered_at = now
    db.session.commit()


def test_the_right_code_counts_once(ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock())
    found = one_time_codes.guess(ada.id, UNLOCK, f"{code[:3]} {code[3:]}", now=clock())
    assert one_time_codes.use(found.id, now=clock())
    assert not one_time_codes.use(found.id, now=clock())
    db.session.commit()
    assert refusal(ada, code, clock()).reason == "code-used"


def test_a_code_is_somebodys_and_for_one_purpose(ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock(), Purpose.REGISTRATION)
    assert refusal(ada, code, clock()).reason == "code-none"
    assert refusal(a_person(), code, clock()).reason == "code-none"


def test_a_newer_code_takes_the_place_of_the_older_which_is_not_mailed_any_more(
    ada: Person, clock: FrozenClock
) -> None:
    old = send(ada, clock())
    new = send(ada, clock())
    assert (refusal(ada, old, clock()).reason, old == new) == ("code-wrong", False)
    one_time_codes.guess(ada.id, UNLOCK, new, now=clock())
    waiting = db.session.scalars(select(OutboxMessage).filter_by(failed_at=None)).all()
    assert len(waiting) == 1


@pytest.mark.parametrize(("minutes", "reason"), [(24, None), (25, "code-expired")])
def test_it_counts_for_fifteen_minutes_after_the_mail_server_took_it(
    ada: Person, clock: FrozenClock, minutes: int, reason: str | None
) -> None:
    code = send(ada, clock())
    deliver(clock.advance(minutes=10))
    clock.advance(minutes=minutes - 10)
    if reason:
        assert refusal(ada, code, clock()).reason == reason
    else:
        assert one_time_codes.guess(ada.id, UNLOCK, code, now=clock()).tries_left == MOST_WRONG


def test_a_code_that_no_mail_server_takes_within_an_hour_is_given_up(
    ada: Person, clock: FrozenClock
) -> None:
    code = send(ada, clock())
    clock.advance(minutes=59, seconds=59)
    told = one_time_codes.newest(ada.id, UNLOCK, clock())
    assert told is not None
    assert (told.state, told.valid_until) == (CodeState.SENDING, None)
    assert refusal(ada, code, clock.advance(seconds=1)).reason == "code-given-up"


def test_five_wrong_ones_end_it_and_tell_the_caller_within_the_same_transaction(
    ada: Person, clock: FrozenClock
) -> None:
    code = send(ada, clock())
    called: list[bool] = []
    for left in range(MOST_WRONG - 1, 0, -1):
        assert refusal(ada, wrong(code, left), clock()).tries_left == left
    with pytest.raises(CodeRefused) as refused:
        one_time_codes.guess(
            ada.id, UNLOCK, wrong(code, MOST_WRONG), now=clock(),
            too_many=lambda: called.append(db.session().in_transaction()),
        )  # fmt: skip
    assert (refused.value.reason, called) == ("code-too-many", [True])
    assert refusal(ada, code, clock()).reason == "code-too-many"
    row = db.session.scalars(select(OneTimeCode)).one()
    assert (row.ended_by, row.code_sealed) == (Ended.TOO_MANY, None)


def test_what_cannot_be_a_code_costs_no_try(ada: Person, clock: FrozenClock) -> None:
    send(ada, clock())
    assert refusal(ada, "12345", clock()).reason == "code-malformed"
    told = one_time_codes.newest(ada.id, UNLOCK, clock())
    assert told is not None
    assert told.tries_left == MOST_WRONG


def test_the_same_wrong_one_sent_twice_is_one_try(ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock())
    for typed in (wrong(code), f" {wrong(code)[:3]}-{wrong(code)[3:]}", wrong(code)):
        assert refusal(ada, typed, clock()).tries_left == MOST_WRONG - 1
    for number in range(2, MOST_WRONG):
        refusal(ada, wrong(code, number), clock())
    assert refusal(ada, wrong(code), clock()).tries_left == 1
    newer = send(ada, clock())
    assert refusal(ada, wrong(newer), clock()).tries_left == MOST_WRONG - 1
    assert refusal(ada, wrong(newer, 2), clock()).tries_left == MOST_WRONG - 2
    assert one_time_codes.guess(ada.id, UNLOCK, newer, now=clock())


def test_the_same_wrong_one_sent_many_times_at_once_is_one_try_and_ends_nothing(
    app: Flask, ada: Person, clock: FrozenClock
) -> None:
    code = send(ada, clock())
    for number in range(2, MOST_WRONG):
        refusal(ada, wrong(code, number), clock())
    person_id = ada.id
    db.session.remove()
    done = at_once(
        app, 8, lambda: one_time_codes.guess(person_id, UNLOCK, wrong(code), now=clock())
    )
    left = [each.tries_left for each in done if isinstance(each, CodeRefused)]
    assert left == [1] * 8, done
    assert one_time_codes.guess(person_id, UNLOCK, code, now=clock())


def test_of_the_right_one_no_digest_is_kept(ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock())
    refusal(ada, wrong(code), clock())
    guesses = select(func.count()).select_from(RateLimit).where(RateLimit.key.like("%guess%"))
    assert db.session.scalar(guesses) == 1
    one_time_codes.guess(ada.id, UNLOCK, code, now=clock())
    assert db.session.scalar(guesses) == 1


def test_five_are_sent_within_an_hour_for_each_purpose(ada: Person, clock: FrozenClock) -> None:
    for _ in range(5):
        send(ada, clock())
    with pytest.raises(RateLimited) as limited:
        send(ada, clock.advance(minutes=50))
    assert limited.value.retry_after == 600
    send(ada, clock(), Purpose.EMAIL)
    send(ada, clock.advance(minutes=10))


def test_fifty_guesses_at_once_have_five_tries(app: Flask, ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock())
    number, ended, guesses = ada.id, [], count(1)
    db.session.remove()

    def guess() -> None:
        one_time_codes.guess(
            number, UNLOCK, wrong(code, next(guesses)), now=clock(),
            too_many=lambda: ended.append(1),
        )  # fmt: skip

    done = at_once(app, 50, guess)
    reasons = [each.reason for each in done if isinstance(each, CodeRefused)]
    assert len(reasons) == 50, done
    assert sorted(set(reasons)) == ["code-too-many", "code-wrong"]
    assert (reasons.count("code-wrong"), len(ended)) == (MOST_WRONG - 1, 1)


def test_the_right_code_typed_in_many_tabs_at_once_is_used_once(
    app: Flask, ada: Person, clock: FrozenClock
) -> None:
    code = send(ada, clock())
    number = ada.id
    db.session.remove()

    def redeem() -> bool:
        found = one_time_codes.guess(number, UNLOCK, code, now=clock())
        used = one_time_codes.use(found.id, now=clock())
        db.session.commit()
        return used

    done = at_once(app, 4, redeem)
    assert done.count(True) == 1, done


def test_of_codes_sent_at_once_one_counts(app: Flask, ada: Person, clock: FrozenClock) -> None:
    number = ada.id
    db.session.remove()

    def send_one() -> int:
        prepared = one_time_codes.prepare(number, UNLOCK, clock())
        person = db.session.scalars(select(Person).filter_by(id=number).with_for_update()).one()
        sent = one_time_codes.send(prepared, person, UNLOCK, to=ADA, actor=None, now=clock())
        db.session.commit()
        return sent

    done = at_once(app, 4, send_one)
    assert all(isinstance(each, int) for each in done), done
    live = db.session.scalars(select(OneTimeCode).filter_by(ended_at=None)).all()
    mailed = db.session.scalars(select(OutboxMessage).filter_by(failed_at=None)).all()
    assert [each.id for each in live] == [max(each for each in done if isinstance(each, int))]
    assert [each.id for each in mailed] == [live[0].outbox_message_id]


def test_neither_code_nor_text_can_be_read_in_the_database(ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock())
    refusal(ada, wrong(code), clock())
    for table in (OneTimeCode, OutboxMessage, AuditEvent, RateLimit):
        for row in db.session.execute(select(table.__table__)):
            kept = " ".join(map(repr, row))
            assert code not in kept
            assert wrong(code) not in kept
            assert f"{code[:3]} {code[3:]}" not in kept
            assert "argon2" not in kept


def test_hashes_take_the_memory_and_the_passes_that_owasp_advises() -> None:
    slow = hashing.Argon2id()
    hashed = slow.hash("042137")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert slow.matches(hashed, "042137")
    assert not slow.matches(hashed, "042138")
    assert not slow.matches("", "042137")


def test_nothing_is_hashed_while_a_transaction_is_open(ada: Person) -> None:
    db.session.execute(select(func.count()).select_from(Person))
    with pytest.raises(hashing.TransactionOpen):
        hashing.hash_of("123456")


def test_a_sending_is_counted_even_if_nothing_comes_of_it(ada: Person, clock: FrozenClock) -> None:
    for _ in range(5):
        one_time_codes.prepare(ada.id, UNLOCK, clock())
        db.session.rollback()
    with pytest.raises(RateLimited):
        one_time_codes.prepare(ada.id, UNLOCK, clock())


def test_ending_everything_ends_what_counts(ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock())
    one_time_codes.end_all(ada.id, *Purpose, now=clock())
    db.session.commit()
    assert refusal(ada, code, clock()).reason == "code-given-up"
    assert outbox.deliver(clock).delivered == 0


def test_the_mail_says_the_code_once_and_for_how_long(ada: Person, clock: FrozenClock) -> None:
    code = send(ada, clock())
    message = db.session.scalars(select(OutboxMessage)).one()
    text, html = outbox._bodies(message)
    assert html is not None
    assert len(re.findall(f"{code[:3]} {code[3:]}", text)) == 1
    assert "15 minutes" in text
    assert code[:3] not in message.subject
