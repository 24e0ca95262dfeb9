"""Self-service on one's own profile: the steps in and out of turn, refusals in words, its end."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Rows
from sqlalchemy.orm import scoped_session
from werkzeug.test import TestResponse

from app.domain.self_service import Change
from app.extensions import db
from app.models import (
    AuditEvent,
    OneTimeCode,
    OutboxMessage,
    Person,
    SecurityAnswer,
    SelfService,
    SelfServiceDraft,
    Session,
)
from tests.parts.clock import FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.people import a_card, a_person
from tests.parts.self_service import REGISTERED_EMAIL, registered
from tests.web.conftest import FRAGMENT
from tests.web.visits import sends, signs_in

ROOT = "/profile/self-service"
CONTACT = "ada@northmere.nhs.uk"
ANSWERS = {
    "question_1": "first-teacher",
    "answer_1": "Mrs Patel",
    "question_2": "childhood-toy",
    "answer_2": "Mr Snuffles",
    "question_3": "first-dish",
    "answer_3": "Jollof rice",
    "question_4": "best-holiday",
    "answer_4": "Llandudno",
}


class Visit:
    """Somebody signed in, at the pages of their self-service."""

    def __init__(self, client: FlaskClient, clock: FrozenClock) -> None:
        self.client = client
        self.clock = clock
        person = a_person(given_name="Ada", email=CONTACT)
        self.person_id = person.id
        self.card = a_card(person)
        self.card_id = self.card.id
        signs_in(client, self.card)

    def sign_in_again(self) -> None:
        """The session has ended, and another one begins."""
        db.session.execute(update(Session).values(ended_at=self.clock()))
        db.session.commit()
        signs_in(self.client, db.session.merge(self.card))

    def wait(self, **span: float) -> None:
        """Let time pass, the card in the reader and the person at the page."""
        now = self.clock.advance(**span)
        db.session.execute(update(Session).values(last_presence_at=now, last_seen_at=now))
        db.session.commit()
        db.session.remove()

    def prove(self, change: Change = Change.REGISTER) -> None:
        """Begin, and have the card check the passcode in this session."""
        session = db.session.scalars(
            select(Session).where(Session.card_id == self.card_id, Session.ended_at.is_(None))
        ).one()
        draft = db.session.scalars(
            select(SelfServiceDraft).filter_by(person_id=self.person_id, change=change)
        ).one_or_none() or SelfServiceDraft(
            ref=f"draft-{change}", person_id=self.person_id, change=change
        )
        draft.proven_session_id = session.id
        draft.proven_at = draft.updated_at = self.clock()
        db.session.add(draft)
        db.session.commit()
        db.session.remove()

    def get(self, path: str = "", **headers: str) -> TestResponse:
        return self.client.get(ROOT + path, headers=headers)

    def post(self, path: str, **fields: str) -> TestResponse:
        return sends(self.client, ROOT + path, **fields)

    def to_email(self) -> None:
        self.prove()
        assert leads(self.post("/register/questions", **ANSWERS)) == "/register/email"

    def to_code(self) -> str:
        """Come to the last step; return the code that was mailed."""
        self.to_email()
        assert leads(self.post("/register/email", email=CONTACT)) == "/register/code"
        return mailed_code(CONTACT)

    def is_registered(self) -> bool:
        row = db.session.scalar(select(SelfService).filter_by(person_id=self.person_id))
        found = row is not None and row.registered_at is not None
        db.session.remove()
        return found


def leads(answer: TestResponse) -> str:
    """Where an answer leads, below Self Service."""
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].removeprefix(ROOT)


def words(answer: TestResponse) -> str:
    """What is said on a page, as one line."""
    main = answer.text.split("<main", 1)[-1].split("</main>", 1)[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def fields_in_error(answer: TestResponse) -> set[str]:
    """The fields to which the summary of errors leads; each has its words beside it, too."""
    summary = answer.text.split("nhsuk-error-summary__list", 1)[1].split("</ul>", 1)[0]
    fields = set(re.findall(r'href="#([^"]+)"', summary))
    assert all(f'id="{field}-error"' in answer.text for field in fields)
    assert "<title>Error: " in re.sub(r"\s*(<title>)\s*", r"\1", answer.text)
    return fields


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


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter an email address"),
        ("ada", "correct format"),
        ("ada@hospital.example", "nhs.net, nhs.uk, gov.uk or mod.uk"),
        ("ada@nhs.net.example", "approved provider"),
        ("ada@" + "n" * 250 + ".nhs.net", "characters or fewer"),
    ],
)
def test_an_address_is_refused_at_its_field_and_shown_again(
    ada: Visit, typed: str, said: str
) -> None:
    ada.to_email()
    answer = ada.post("/register/email", email=typed)
    assert answer.status_code == 422
    assert fields_in_error(answer) == {"email"}
    assert said in words(answer)
    assert f'value="{typed}"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(OneTimeCode)) == 0


def test_wrong_codes_are_counted_down_until_a_new_one_is_needed(ada: Visit) -> None:
    code = ada.to_code()
    for typed, said in (("", "Enter the code"), ("12a", "6 digits")):
        answer = ada.post("/register/code", code=typed)
        assert (answer.status_code, fields_in_error(answer)) == (422, {"code"})
        assert said in words(answer)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for left in ("4 tries are left", "3 tries are left", "2 tries are left", "1 try is left"):
        assert left in words(ada.post("/register/code", code=wrong))
    ended = ada.post("/register/code", code=wrong)
    assert "too often" in words(ended)
    assert "too often" in words(ada.post("/register/code", code=code))
    assert leads(ada.post("/register/resend")) == "/register/code"
    assert "The one before does not work" in words(ada.get("/register/code"))
    assert leads(ada.post("/register/code", code=mailed_code(CONTACT))) == "/register/done"


def test_a_code_counts_for_a_quarter_of_an_hour_from_when_its_mail_left(ada: Visit) -> None:
    code = ada.to_code()
    assert "is on its way" in words(ada.get("/register/code"))
    ada.wait(minutes=10)
    late = words(ada.get("/register/code"))
    assert "has not left yet" in late
    assert "until 10:30am" in late
    delivered(ada)
    part = ada.client.get(f"{ROOT}/register/code", headers=FRAGMENT)
    assert "<html" not in part.text
    assert "It is valid until 9:55am" in words(part)
    assert "hx-trigger" not in part.text
    ada.wait(minutes=14, seconds=59)
    assert leads(ada.post("/register/code", code=code)) == "/register/done"


def test_an_expired_code_and_one_whose_mail_nobody_took_are_told_apart(ada: Visit) -> None:
    code = ada.to_code()
    delivered(ada)
    ada.wait(minutes=15)
    assert "has expired" in words(ada.get("/register/code"))
    assert "has expired" in words(ada.post("/register/code", code=code))
    ada.post("/register/resend")
    ada.wait(minutes=61)
    given_up = words(ada.get("/register/code"))
    assert "could not be delivered" in given_up
    assert "service desk" in given_up


def test_how_often_a_code_may_be_sent_is_said_in_words_with_the_time(ada: Visit) -> None:
    ada.to_code()
    for _ in range(4):
        ada.post("/register/resend")
    for again in (
        ada.post("/register/resend"),
        ada.post("/register/email", email="ada@nhs.net"),
    ):
        assert again.status_code == 429
        assert "5 codes have been sent within an hour" in words(again)
        assert "after 10:30am" in words(again)
    assert "ada@nhs.net" in again.text, "what was typed is shown again"
    assert "enter that code" in words(again)


def test_where_no_questions_are_asked_there_are_three_steps(ada: Visit, app: Flask) -> None:
    app.config["SELF_SERVICE_MODE"] = "code"
    assert "security questions" not in words(ada.get("/register"))
    ada.prove()
    assert leads(ada.get("/register/questions")) == "/register/email"
    assert "step&nbsp;2&nbsp;of&nbsp;3" in ada.get("/register/email").text
    ada.post("/register/email", email=CONTACT)
    assert leads(ada.post("/register/code", code=mailed_code(CONTACT))) == "/register/done"
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


def test_a_block_is_told_with_whom_to_turn_to(ada: Visit) -> None:
    person = db.session.get_one(Person, ada.person_id)
    registered(person, ada.clock(), failed_attempts=3, blocked_at=ada.clock())
    db.session.remove()
    for address in ("/profile", ROOT):
        page = words(ada.client.get(address))
        assert "blocked" in page
        assert "3 attempts" in page
        assert "Registration Authority" in page


def test_the_registered_address_is_changed_with_a_code_to_the_new_one(ada: Visit) -> None:
    registered(db.session.get_one(Person, ada.person_id), ada.clock())
    assert leads(ada.get("/register")) == ""
    ada.prove(Change.EMAIL)
    assert leads(ada.get("/email")) == "/email/email"
    same = ada.post("/email/email", email=REGISTERED_EMAIL.upper())
    assert same.status_code == 422
    assert "registered email already" in words(same)
    ada.post("/email/email", email="ada@new.nhs.uk")
    assert REGISTERED_EMAIL in words(ada.client.get("/profile")), "until the code is there"
    assert leads(ada.post("/email/code", code=mailed_code("ada@new.nhs.uk"))) == "/email/done"
    assert "ada@new.nhs.uk" in words(ada.get("/email/done"))
    assert leads(ada.get("/email")) == "/email/passcode", "it may be changed once more"


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


def delivered(ada: Visit) -> None:
    """The mail server has just taken what waited."""
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.delivered_at.is_(None))
        .values(delivered_at=ada.clock())
    )
    db.session.commit()
    db.session.remove()
