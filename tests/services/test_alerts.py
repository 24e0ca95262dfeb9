"""Alerts: everything that opens or guards a card is told at every address of its holder, once."""

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import OutboxMessage, Person, SelfService
from app.services import alerts
from tests.parts.clock import START
from tests.parts.people import a_person

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def holder() -> Person:
    return a_person(email="ada@nhs.net")


def told(person: Person | None, **what: object) -> list[str]:
    alerts.alert(person, "passcode-changed", now=START, number="1", **what)
    db.session.commit()
    return list(db.session.scalars(select(OutboxMessage.to).order_by(OutboxMessage.id)))


def registered(person: Person, email: str, **columns: object) -> None:
    row = {"person_id": person.id, "email": email, "registered_at": START, **columns}
    db.session.add(SelfService(**row))
    db.session.commit()


def test_the_contact_address_and_that_of_self_service_are_told(holder: Person) -> None:
    registered(holder, "ada@ward.nhs.uk")
    assert told(holder) == ["ada@nhs.net", "ada@ward.nhs.uk"]


def test_the_address_of_a_registration_that_has_ended_is_not(holder: Person) -> None:
    registered(holder, "ada@ward.nhs.uk", registered_at=None)
    assert told(holder) == ["ada@nhs.net"]


def test_whoever_has_no_contact_address_is_told_at_that_of_self_service(holder: Person) -> None:
    holder.email = None
    registered(holder, "ada@ward.nhs.uk")
    assert told(holder) == ["ada@ward.nhs.uk"]


def test_an_address_that_was_theirs_is_told_too(holder: Person) -> None:
    assert told(holder, also=["old@nhs.net", None]) == ["ada@nhs.net", "old@nhs.net"]


def test_the_same_address_in_other_letters_is_told_once(holder: Person) -> None:
    registered(holder, "Ada@NHS.net")
    assert told(holder, also=["ADA@nhs.net"]) == ["ada@nhs.net"]


def test_whoever_has_no_address_is_not_told(holder: Person) -> None:
    holder.email = None
    assert told(holder) == []
    assert told(None) == []


def test_an_alert_says_when_it_was_and_what_to_do_if_it_was_not_them(holder: Person) -> None:
    told(holder)
    message = db.session.scalars(select(OutboxMessage)).one()
    assert "On 23 November 2026 at 9:30am" in message.body_text
    assert "If it was not you, tell your registration authority at once" in message.body_text
