"""The Service Centre's pages without a card: modes, codes in every state, whose pages they are."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from app.domain.one_time_code import Purpose
from app.domain.security_questions import QUESTIONS, fold
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import (
    Card,
    CardOperation,
    OneTimeCode,
    OutboxMessage,
    Person,
    RateLimit,
    SelfService,
)
from app.services import hashing, one_time_codes, security_answers, unlock_attempts
from tests.parts.clock import START, FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.hashing import QuickHashes
from tests.parts.people import a_card, a_person
from tests.parts.self_service import REGISTERED_EMAIL, registered
from tests.web.conftest import FRAGMENT
from tests.web.visits import page_token, sends, signs_in, what_is_told

CHOSEN = list(QUESTIONS)[:4]
BROWSER = "the browser of this test"


@pytest.fixture
def card(app: Flask, db_session: scoped_session[Session]) -> Card:
    """Of somebody who is registered."""
    app.extensions[hashing.EXTENSION] = QuickHashes()
    person = a_person(email="ada@northmere.nhs.uk")
    row = registered(person, START)
    security_answers.keep(row, {key: QuickHashes().hash(fold(f"answer {key}")) for key in CHOSEN})
    db.session.commit()
    return a_card(person)


@pytest.fixture
def unlock(client: FlaskClient, card: Card) -> str:
    """Whose card has proven itself in this browser: the address of the unlock."""
    with client.session_transaction() as session:
        session["browser"] = BROWSER
    row = CardOperation(
        public_id=str(uuid4()),
        kind="unlock",
        state=OperationState.WAITING,
        step="unlock",
        card_id=card.id,
        person_id=card.person_id,
        browser=hashlib.sha256(BROWSER.encode()).hexdigest(),
        seat="seat-1",
        facts={"mode": "self-service", "shown_guid": card.guid, "proven_at": START.isoformat()},
        started_at=START,
        updated_at=START,
    )
    db.session.add(row)
    db.session.commit()
    return f"/service-centre/unlock/{row.public_id}"


def the_unlock() -> CardOperation:
    return db.session.scalars(select(CardOperation).filter_by(kind="unlock")).one()


def right_answers() -> dict[str, str]:
    asked = unlock_attempts.questions_for(the_unlock())
    return {f"answer_{at}": f"ANSWER, {key}!" for at, key in enumerate(asked, 1)}


@pytest.fixture
def at_code(client: FlaskClient, unlock: str) -> str:
    """Whose answers were right: a code waits to be mailed."""
    assert sends(client, f"{unlock}/answers", **right_answers()).status_code == 303
    return unlock


def deliver(now_: FrozenClock) -> None:
    for message in db.session.scalars(select(OutboxMessage)):
        message.delivered_at = now_.now
    db.session.commit()


# Answers


def test_an_empty_answer_is_no_guess_and_the_page_says_which_is_missing(
    client: FlaskClient, unlock: str
) -> None:
    answer = sends(client, f"{unlock}/answers", answer_1="x" * 101)
    assert answer.status_code == 422
    assert answer.text.count("Enter your answer") == 4  # two fields, each twice
    assert "100 characters or fewer" in answer.text
    assert "data-tries-left" not in client.get(unlock).text


def test_wrong_answers_are_told_once_with_the_tries_that_are_left(
    client: FlaskClient, unlock: str
) -> None:
    wrong = right_answers() | {"answer_2": "something else"}
    assert sends(client, f"{unlock}/answers", **wrong).status_code == 303
    shown = client.get(unlock).text
    assert "One or more of your answers are wrong" in shown
    assert 'data-tries-left="2"' in shown
    assert "something else" not in shown
    assert "One or more of your answers are wrong" not in client.get(unlock).text


def test_after_the_third_failure_the_page_leads_to_the_registration_authority(
    client: FlaskClient, unlock: str
) -> None:
    for words in ("one", "two", "three"):
        wrong = dict.fromkeys(right_answers(), f"wrong {words}")
        sends(client, f"{unlock}/answers", **wrong)
    shown = client.get(unlock).text
    assert "data-blocked" in shown
    assert "app-contacts" in shown
    for more in ("answers", "code", "resend"):
        assert sends(client, f"{unlock}/{more}").headers["Location"] == unlock


def test_after_a_block_that_was_lifted_nobody_is_told_of_the_answers_from_before(
    client: FlaskClient, unlock: str
) -> None:
    for words in ("one", "two", "three"):
        sends(client, f"{unlock}/answers", **dict.fromkeys(right_answers(), f"wrong {words}"))
        client.get(unlock)
    db.session.query(SelfService).update({"failed_attempts": 0, "blocked_at": None})
    db.session.commit()
    assert "One or more of your answers are wrong" not in client.get(unlock).text


def test_codes_from_one_address_are_limited_like_answers(
    client: FlaskClient, at_code: str, clock: FrozenClock
) -> None:
    for kind in ("codes", "answers"):
        db.session.merge(RateLimit(key=f"{kind} 127.0.0.1", window_start=clock(), count=300))
    db.session.commit()
    answer = sends(client, f"{at_code}/code", code="123456")
    assert answer.status_code == 429
    found = db.session.scalars(select(OneTimeCode)).one()
    assert found.wrong_tries == 0


def test_no_code_is_taken_or_sent_before_the_answers(client: FlaskClient, unlock: str) -> None:
    for more in ("code", "resend"):
        assert sends(client, f"{unlock}/{more}", code="123456").status_code == 303
    assert db.session.scalar(select(OutboxMessage)) is None
    assert "security questions" in client.get(unlock).text


# Codes


def test_the_address_is_masked_and_the_page_asks_again_until_the_mail_has_left(
    client: FlaskClient, at_code: str, clock: FrozenClock
) -> None:
    shown = client.get(at_code).text
    assert "a•••@nhs.net" in shown
    assert REGISTERED_EMAIL not in shown
    assert 'hx-trigger="every 5s"' in shown
    clock.advance(minutes=10)  # the mail server is down
    assert 'data-code-state="late"' in client.get(at_code).text
    deliver(clock)
    shown = client.get(at_code, headers=FRAGMENT).text
    assert "It is valid until" in shown
    assert "<h1" not in shown
    assert sends(client, f"{at_code}/code", code=mailed_code(REGISTERED_EMAIL)).status_code == 303
    assert "Choose a new passcode" in client.get(at_code).text


def test_a_mail_server_that_stays_down_is_told_and_an_hour_ends_the_unlock(
    client: FlaskClient, at_code: str, clock: FrozenClock
) -> None:
    clock.advance(minutes=59)
    assert 'data-code-state="late"' in client.get(at_code).text
    clock.advance(minutes=1)
    assert "This unlock has ended" in client.get(at_code).text


@pytest.mark.parametrize("way", ["expired", "superseded", "too-many"])
def test_a_code_that_counts_no_more_is_told_with_what_to_do(
    client: FlaskClient, at_code: str, clock: FrozenClock, way: str
) -> None:
    code = mailed_code(REGISTERED_EMAIL)
    if way == "expired":
        deliver(clock)
        clock.advance(minutes=15)
    elif way == "superseded":
        sends(client, f"{at_code}/resend")
    else:
        for wrong in range(5):
            sends(client, f"{at_code}/code", code=f"{(int(code) + 1 + wrong) % 1_000_000:06}")
        assert "failed attempt: you have 2 left" in client.get(at_code).text
    answer = sends(client, f"{at_code}/code", code=code)
    assert answer.status_code == 422
    assert "Send a new" in answer.text or "newest" in answer.text or "several" in answer.text


def test_five_codes_an_hour_are_sent_and_a_sixth_is_refused_in_words(
    client: FlaskClient, at_code: str
) -> None:
    for _ in range(4):
        assert sends(client, f"{at_code}/resend").status_code == 303
    answer = sends(client, f"{at_code}/resend")
    assert answer.status_code == 429
    assert "5 codes have been sent within an hour" in answer.text


def test_the_code_opens_the_last_step_for_15_minutes_and_no_longer(
    client: FlaskClient, at_code: str, clock: FrozenClock
) -> None:
    sends(client, f"{at_code}/code", code=mailed_code(REGISTERED_EMAIL))
    clock.advance(minutes=15)
    assert "Choose a new passcode" in client.get(at_code).text
    clock.advance(seconds=1)
    shown = client.get(at_code).text
    assert "Enter your unlock code" in shown
    assert 'data-code-state="used"' in shown


# Modes, and who is there


def test_with_the_code_alone_there_are_four_steps_and_no_questions(
    app: Flask, client: FlaskClient, unlock: str
) -> None:
    app.config["SELF_SERVICE_MODE"] = "code"
    assert "step 1 of 4" in client.get("/service-centre/unlock").text
    shown = client.get(unlock).text
    assert "step 2 of 4" in shown
    assert 'data-code-state="none"' in shown
    sends(client, f"{unlock}/resend")
    sends(client, f"{unlock}/code", code=mailed_code(REGISTERED_EMAIL))
    assert "step 3 of 4" in client.get(unlock).text


def test_switched_off_every_page_says_whom_to_ask(
    app: Flask, client: FlaskClient, unlock: str
) -> None:
    app.config["SELF_SERVICE_MODE"] = "off"
    for address in ("/service-centre", "/service-centre/unlock", unlock):
        shown = client.get(address).text
        assert "app-contacts" in shown or "/help#contacts" in shown
    assert "app-contacts" in client.get("/service-centre/unlock").text
    assert "<live-card" not in client.get("/service-centre/unlock").text
    assert "Start again" not in client.get(unlock).text
    assert "Service Centre" not in client.get("/sign-in").text
    headers = {**FRAGMENT, "Accept": "text/html", "X-CSRFToken": page_token(client)}
    answer = client.post("/service-centre/unlock/start", json={}, headers=headers)
    assert answer.status_code == 409
    assert "without help" in answer.text


def test_the_old_address_leads_to_the_unlock(client: FlaskClient) -> None:
    answer = client.get("/selfservicewebapp/unlockCardStart")
    assert answer.headers["Location"] == "/service-centre/unlock"


def test_an_unlock_is_shown_in_its_browser_alone(
    app: Flask, client: FlaskClient, unlock: str
) -> None:
    assert "Continue to unlock" in client.get("/service-centre").text
    elsewhere = app.test_client()
    assert "Continue to unlock" not in elsewhere.get("/service-centre").text
    shown = elsewhere.get(unlock).text
    assert "This unlock has ended" in shown
    nothing = elsewhere.get("/service-centre/unlock/nothing").text
    assert what_is_told(shown) == what_is_told(nothing)


def test_whoever_is_signed_in_is_led_to_changing_the_passcode(
    client: FlaskClient, card: Card
) -> None:
    number = card.id
    signs_in(client, card)
    assert f"/profile/cards/{number}/passcode" in client.get("/service-centre/unlock").text


def test_whoever_ends_the_registration_ends_the_unlock(client: FlaskClient, at_code: str) -> None:
    db.session.query(SelfService).update({"registered_at": None})
    db.session.commit()
    assert "This unlock has ended" in client.get(at_code).text


def test_too_many_starts_with_one_card_from_one_address_are_told_to_wait(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    headers = {**FRAGMENT, "Accept": "text/html", "X-CSRFToken": page_token(client)}
    sent = {"sid": "s", "seat": "t", "card": "0" * 32}
    answers = [
        client.post("/service-centre/unlock/start", json=sent, headers=headers).status_code
        for _ in range(21)
    ]
    assert answers[:20] == [409] * 20  # no bridge
    assert answers[20] == 429
    other = client.post("/service-centre/unlock/start", json=sent | {"card": "1"}, headers=headers)
    assert other.status_code == 409


def test_of_a_person_nothing_is_kept_in_the_pages_of_a_step(
    client: FlaskClient, at_code: str, card: Card
) -> None:
    person = db.session.get_one(Person, card.person_id)
    shown = client.get(at_code).text
    assert person.family_name not in shown
    assert person.uuid not in shown
    assert one_time_codes.newest(person.id, Purpose.UNLOCK, START + timedelta()) is not None
