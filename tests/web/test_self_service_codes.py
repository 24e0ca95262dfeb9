"""Self-service: the address to which codes go, and what is said of each code."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Rows
from sqlalchemy.orm import scoped_session

from app.domain.self_service import Change
from app.extensions import db
from app.models import (
    OneTimeCode,
    Person,
)
from tests.parts.clock import FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.self_service import REGISTERED_EMAIL, registered
from tests.web.at_self_service import CONTACT, ROOT, Visit, delivered, fields_in_error, leads, words
from tests.web.conftest import FRAGMENT


@pytest.fixture
def ada(client: FlaskClient, db_session: scoped_session[Rows], clock: FrozenClock) -> Visit:
    return Visit(client, clock)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter an email address"),
        ("ada", "correct format"),
        ("ada@hospital.example", "nhs.net, nhs.uk, gov.uk or mod.uk"),
        ("ada@nhs.net.example", "approved provider"),
        ("zoë@nhs.net", "no accented or special letters before the @"),
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
    wrong = [f"{(int(code) + number) % 1_000_000:06}" for number in range(1, 6)]
    for left in ("4 tries are left", "3 tries are left", "2 tries are left", "1 try is left"):
        typed = wrong.pop()
        assert left in words(ada.post("/register/code", code=typed))
        assert left in words(ada.post("/register/code", code=typed)), "sent twice, counted once"
    ended = ada.post("/register/code", code=wrong.pop())
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
    assert "at most 5 in an hour" in words(ada.get("/register/code"))
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
