"""Self-service on one's own profile: the steps in and out of turn, refusals in words, its end."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Rows
from sqlalchemy.orm import scoped_session

from app.card_operations import register, wire
from app.card_operations.answers import CardAnswered, Finished, to_journal
from app.domain.self_service import Change
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import (
    AuditEvent,
    CardOperation,
    CardOperationStep,
    OneTimeCode,
    OutboxMessage,
    Person,
    SecurityAnswer,
    SelfServiceDraft,
)
from app.services import outbox
from tests.parts.clock import FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.self_service import REGISTERED_EMAIL, registered
from tests.web.at_self_service import ANSWERS, CONTACT, ROOT, Visit, fields_in_error, leads, words
from tests.web.conftest import FRAGMENT
from tests.web.visits import page_token


@pytest.fixture
def ada(client: FlaskClient, db_session: scoped_session[Rows], clock: FrozenClock) -> Visit:
    return Visit(client, clock)


def test_whoever_takes_the_four_steps_is_registered_and_told_where_to_unlock(
    ada: Visit, app: Flask
) -> None:
    assert "not registered" in words(ada.client.get("/profile"))
    assert "4 security questions out of 20" in words(ada.get("/register"))
    assert leads(ada.post("/register/code", code=ada.to_code())) == "/register/done"
    done = ada.get("/register/done")
    assert "You are registered" in words(done)
    assert f"{app.config['ORIGIN']}/service-centre" in done.text
    assert ada.is_registered()
    again = ada.get("/register/done")
    assert "You are registered" in words(again)
    profile = words(ada.client.get("/profile"))
    assert "You are registered" in profile
    assert CONTACT in profile


def test_each_step_says_which_it_is_and_what_is_done(ada: Visit) -> None:
    ada.to_email()
    page = ada.get("/register/email").text
    assert "It ends in nhs.net, nhs.uk, gov.uk or mod.uk" in page
    assert "step&nbsp;3&nbsp;of&nbsp;4" in page
    assert page.count('aria-current="step"') == 1
    assert page.count(", done</span>") == 2


@pytest.mark.parametrize("step", ["questions", "email", "code", "done"])
def test_whoever_jumps_ahead_is_led_to_where_the_change_begins(ada: Visit, step: str) -> None:
    assert leads(ada.get(f"/register/{step}")) == ("" if step == "done" else "/register")
    assert ada.get("/register/passcode").status_code == 200
    ada.prove()
    due = {"questions": None, "done": ""}.get(step, "/register/questions")
    answer = ada.get(f"/register/{step}")
    assert answer.status_code == 200 if due is None else leads(answer) == due


@pytest.mark.parametrize("step", ["questions", "email", "code", "resend"])
def test_a_form_that_is_sent_ahead_of_its_turn_changes_nothing(ada: Visit, step: str) -> None:
    sent = {**ANSWERS, "email": CONTACT, "code": "123456"}
    assert leads(ada.post(f"/register/{step}", **sent)) == "/register"
    assert db.session.scalar(select(func.count()).select_from(SelfServiceDraft)) == 0
    assert db.session.scalar(select(func.count()).select_from(OneTimeCode)) == 0


def test_every_step_before_the_one_that_is_due_may_be_taken_again(ada: Visit) -> None:
    ada.to_code()
    assert "has been checked" in words(ada.get("/register/passcode"))
    kept = ada.get("/register/questions")
    assert kept.text.count("Your answer is kept") == 4
    assert "Snuffles" not in kept.text
    others = {**ANSWERS, "answer_1": "", "answer_2": "", "question_3": "first-film"}
    assert leads(ada.post("/register/questions", **others)) == "/register/email"
    assert CONTACT in ada.get("/register/email").text
    assert leads(ada.post("/register/email", email="ada@nhs.net")) == "/register/code"
    assert leads(ada.post("/register/code", code=mailed_code("ada@nhs.net"))) == "/register/done"
    rows = db.session.scalars(select(SecurityAnswer.question))
    assert set(rows) == {"first-teacher", "childhood-toy", "first-film", "best-holiday"}


def test_after_another_sign_in_the_passcode_alone_is_shown_again(ada: Visit) -> None:
    ada.to_code()
    ada.sign_in_again()
    assert leads(ada.get("/register/code")) == "/register/passcode"
    assert leads(ada.post("/register/email", email=CONTACT)) == "/register/passcode"
    assert "is kept" in words(ada.get("/register/passcode"))
    assert "Continue registration" in words(ada.client.get("/profile"))
    ada.prove()
    assert leads(ada.post("/register/code", code=mailed_code(CONTACT))) == "/register/done"


def test_another_persons_draft_is_nobodys_way_in(ada: Visit, client: FlaskClient) -> None:
    ada.to_code()
    code = mailed_code(CONTACT)
    eve = Visit(client, ada.clock)
    assert leads(eve.get("/register/code")) == "/register"
    assert leads(eve.post("/register/code", code=code)) == "/register"
    assert not ada.is_registered()
    assert not eve.is_registered()


def test_answers_are_refused_at_their_fields_and_what_was_typed_is_shown_again(ada: Visit) -> None:
    ada.prove()
    sent = {**ANSWERS, "question_2": "first-teacher", "answer_3": "x", "answer_4": "mrs  patel"}
    answer = ada.post("/register/questions", **sent)
    assert answer.status_code == 422
    assert fields_in_error(answer) == {"question_2", "answer_3", "answer_4"}
    for text in ("Mrs Patel", "mrs  patel", 'value="x"'):
        assert text in answer.text
    assert "the same as that to question 1" in words(answer)
    assert 'autocomplete="off"' in answer.text
    assert fields_in_error(ada.post("/register/questions")) == {
        "question_1", "question_2", "question_3", "question_4",
    }  # fmt: skip
    invented = ada.post("/register/questions", **{**ANSWERS, "question_1": "mothers-maiden-name"})
    assert fields_in_error(invented) == {"question_1"}


def test_where_no_questions_are_asked_there_are_three_steps(ada: Visit, app: Flask) -> None:
    app.config["SELF_SERVICE_MODE"] = "code"
    assert "security questions" not in words(ada.get("/register"))
    ada.prove()
    assert leads(ada.get("/register/questions")) == "/register/email"
    assert "step&nbsp;2&nbsp;of&nbsp;3" in ada.get("/register/email").text
    ada.post("/register/email", email=CONTACT)
    for address in ("/profile", ROOT):
        assert "can go on where you stopped" in words(ada.client.get(address))
    assert leads(ada.post("/register/code", code=mailed_code(CONTACT))) == "/register/done"
    for path in ("", "/register/done", "/end"):
        page = words(ada.get(path))
        assert "question" not in page
        assert "answer" not in page
    app.config["SELF_SERVICE_MODE"] = "questions-and-code"
    assert "without them you cannot unlock" in words(ada.client.get("/profile"))
    ada.prove(Change.QUESTIONS)
    assert leads(ada.post("/questions/questions", **ANSWERS)) == "/questions/done"


def test_where_self_service_is_switched_off_everything_says_so(ada: Visit, app: Flask) -> None:
    app.config["SELF_SERVICE_MODE"] = "off"
    for address in ("/profile", ROOT):
        page = words(ada.client.get(address))
        assert "switched off" in page
        assert "Register" not in page.replace("Registration", "").replace("registered", "")
    for path in ("/register", "/register/passcode", "/register/questions", "/email"):
        assert leads(ada.get(path)) == ""
    assert leads(ada.post("/register/email", email=CONTACT)) == ""


def test_switched_off_a_registration_is_kept_can_be_ended_and_nothing_is_promised(
    ada: Visit, app: Flask
) -> None:
    registered(db.session.get_one(Person, ada.person_id), ada.clock(), questions_changed_at=None)
    app.config["SELF_SERVICE_MODE"] = "off"
    for address in ("/profile", ROOT):
        page = words(ada.client.get(address))
        assert "is kept, in case self-service is switched on again" in page
        assert "you can unlock" not in page
    asked = words(ada.get("/end"))
    assert f"Your registered email ( {REGISTERED_EMAIL} ) is removed" in asked
    assert "register again" not in asked
    assert leads(ada.post("/end")) == ""
    assert "What you had registered has been removed" in words(ada.get())
    message = db.session.scalars(select(OutboxMessage).filter_by(to=REGISTERED_EMAIL)).one()
    text, _ = outbox._bodies(message)
    assert "What you had registered has been removed" in " ".join(text.split())
    assert "You can register" not in text


@pytest.mark.parametrize(
    "said",
    [
        Finished(operation="op-1", kind=register.KIND, facts={"change": "register"}),
        CardAnswered(
            operation="op-1",
            kind=register.KIND,
            step="prove",
            code="wrong-passcode",
            facts={"left": 2},
        ),
    ],
)
def test_a_passcode_for_what_another_tab_has_finished_leads_to_how_things_stand(
    ada: Visit, said: Finished | CardAnswered
) -> None:
    with ada.client.session_transaction() as session:
        session["browser"] = "this browser"
    operation = CardOperation(
        public_id="op-1",
        kind=register.KIND,
        state=OperationState.DONE,
        step="prove",
        card_id=ada.card_id,
        person_id=ada.person_id,
        browser=sha256(b"this browser").hexdigest(),
        facts={"change": "register"},
        started_at=ada.clock(),
        updated_at=ada.clock(),
    )
    operation.steps = [
        CardOperationStep(
            number=1,
            name="prove",
            jti="jti-1",
            ticket_at=ada.clock(),
            result_digest=wire.digest({"results": None, "error": None}),
            answer=to_journal(said),
        )
    ]
    db.session.add(operation)
    registered(db.session.get_one(Person, ada.person_id), ada.clock())
    db.session.remove()
    headers = {**FRAGMENT, "X-CSRFToken": page_token(ada.client)}
    answer = ada.client.post("/card-operations/op-1/result", json={"step": 1}, headers=headers)
    assert answer.headers["HX-Redirect"] == ROOT


def test_a_block_is_told_with_whom_to_turn_to(ada: Visit) -> None:
    person = db.session.get_one(Person, ada.person_id)
    registered(person, ada.clock(), failed_attempts=3, blocked_at=ada.clock())
    db.session.remove()
    for address in ("/profile", ROOT):
        page = words(ada.client.get(address))
        assert "blocked" in page
        assert "3 attempts" in page
        assert "Registration Authority" in page


def test_whoever_ends_the_registration_is_asked_first_and_may_register_again(ada: Visit) -> None:
    assert leads(ada.get("/end")) == "", "there is nothing to end"
    ada.post("/register/code", code=ada.to_code())
    assert "are removed" in words(ada.get("/end"))
    assert ada.is_registered()
    assert leads(ada.post("/end")) == ""
    assert "has been ended" in words(ada.get())
    assert not ada.is_registered()
    assert leads(ada.post("/end")) == "", "a second time there is nothing to do"
    assert ada.get("/register").status_code == 200


def test_what_was_begun_can_be_removed(ada: Visit) -> None:
    ada.to_email()
    assert "Remove what I have begun" in words(ada.get())
    assert leads(ada.post("/register/give-up")) == ""
    assert "Remove what I have begun" not in words(ada.get())
    assert leads(ada.get("/register/email")) == "/register"


def test_a_second_tab_that_confirms_again_is_told_that_it_is_done(ada: Visit) -> None:
    code = ada.to_code()
    ada.post("/register/code", code=code)
    assert leads(ada.post("/register/code", code=code)) == "/register/done"
    assert leads(ada.post("/register/questions", **ANSWERS)) == "/register/done"
    events = select(func.count()).where(AuditEvent.event == "self-service.registered")
    assert db.session.scalar(events) == 1


def test_an_address_that_names_no_change_is_not_found(ada: Visit) -> None:
    for path in ("/password", "/password/email", "/password/done"):
        assert ada.get(path).status_code == 404
    assert ada.post("/password/email", email=CONTACT).status_code == 404


def test_nobody_comes_here_who_is_not_signed_in(client: FlaskClient, app: Flask) -> None:
    for path in ("", "/register", "/register/questions", "/end"):
        answer = client.get(ROOT + path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


def test_no_page_shows_an_answer_that_is_kept_and_no_log_one_that_was_typed(
    ada: Visit, capfd: pytest.CaptureFixture[str]
) -> None:
    code = ada.to_code()
    for path in ("", "/register", "/register/questions", "/register/email", "/register/code"):
        assert "Snuffles" not in ada.get(path).text
    ada.post("/register/code", code=code)
    logged = "".join(capfd.readouterr())
    assert "Snuffles" not in logged
    assert code not in logged


@pytest.mark.parametrize(
    ("path", "at_most"),
    [("", 2), ("/register/questions", 3), ("/register/email", 3), ("/register/code", 4)],
)
def test_a_page_asks_the_database_only_a_few_times(
    ada: Visit,
    path: str,
    at_most: int,
    count_queries: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    ada.to_code()
    ada.get(path)  # the session is "seen" by this one
    with count_queries() as queries:
        assert ada.get(path).status_code == 200
    assert len([query for query in queries if query.startswith("SELECT")]) <= at_most
