"""Contact details: what is taken, what is refused with its reason, and who is told."""

import pytest
from sqlalchemy import select

from app.domain.contact_details import TelephoneProblem
from app.domain.errors import Invalid
from app.extensions import db
from app.models import AuditEvent, OutboxMessage, Person
from app.services import people, sessions
from app.services.people import EmailProblem
from app.vault import CannotOpen
from tests.parts.people import a_card, a_person, a_session

pytestmark = pytest.mark.usefixtures("db_session")

GOOD = {"email": "new@northmere.nhs.uk", "telephone": "0113 496 0101", "mobile": "07700 900101"}


@pytest.fixture
def actor(clock):
    person = a_person(email="old@northmere.nhs.uk", telephone="01134960100", mobile=None)
    return sessions.load(a_session(a_card(person)), clock())


def row(actor) -> Person:
    return db.session.get(Person, actor.person_id, populate_existing=True)


def test_new_contact_details_are_kept_without_spacing(actor, clock):
    changed = people.update_contact_details(actor, **GOOD, now=clock.advance(minutes=1))
    assert changed == ["email", "telephone", "mobile"]
    kept = row(actor)
    assert (kept.email, kept.telephone, kept.mobile) == (
        "new@northmere.nhs.uk",
        "01134960101",
        "07700900101",
    )
    assert kept.modified_at == clock()


def test_the_log_says_which_details_changed_and_not_to_what(actor, clock):
    people.update_contact_details(actor, **GOOD, now=clock())
    event = db.session.scalar(select(AuditEvent))
    assert (event.event, event.actor_person_id) == (
        "person.contact-details-changed",
        actor.person_id,
    )
    assert event.facts == {"fields": ["email", "telephone", "mobile"]}


def test_the_old_and_the_new_address_are_told(actor, clock):
    people.update_contact_details(actor, **GOOD, now=clock())
    told = set(db.session.scalars(select(OutboxMessage.to)))
    assert told == {"old@northmere.nhs.uk", "new@northmere.nhs.uk"}


def test_the_same_details_again_change_and_tell_nothing(actor, clock):
    same = {"email": " old@northmere.nhs.uk", "telephone": "0113 4960100", "mobile": ""}
    assert people.update_contact_details(actor, **same, now=clock.advance(minutes=1)) == []
    assert row(actor).modified_at < clock()
    assert db.session.scalar(select(AuditEvent)) is None
    assert db.session.scalar(select(OutboxMessage)) is None


def test_a_telephone_number_can_be_taken_away_but_not_the_email(actor, clock):
    people.update_contact_details(actor, **{**GOOD, "telephone": " "}, now=clock())
    assert row(actor).telephone is None
    with pytest.raises(Invalid) as error:
        people.update_contact_details(actor, **{**GOOD, "email": " "}, now=clock())
    assert error.value.problems == {"email": EmailProblem.MISSING}


def test_every_field_says_what_is_wrong_with_it_and_nothing_is_kept(actor, clock):
    with pytest.raises(Invalid) as error:
        people.update_contact_details(
            actor, email="ada", telephone="call me", mobile="0113 496 0101", now=clock()
        )
    assert error.value.problems == {
        "email": EmailProblem.INVALID,
        "telephone": TelephoneProblem.CHARACTERS,
        "mobile": TelephoneProblem.NOT_MOBILE,
    }
    assert row(actor).email == "old@northmere.nhs.uk"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("ada@", EmailProblem.INVALID),
        ("ada@northmere", EmailProblem.INVALID),
        ("ada lovelace@northmere.nhs.uk", EmailProblem.INVALID),
        ("ada@northmere.nhs.uk\nBcc: all@nhs.uk", EmailProblem.INVALID),
        ("a" * 250 + "@nhs.uk", EmailProblem.TOO_LONG),
        ("zoë@nhs.net", EmailProblem.LETTERS),
        ("ζωή@bücher.nhs.uk", EmailProblem.LETTERS),
    ],
)
def test_what_is_no_email_address_says_why(typed, problem):
    with pytest.raises(ValueError) as error:
        people.email_written(typed)
    assert error.value.problem is problem


def test_the_part_of_an_address_after_the_at_sign_is_without_case():
    assert people.email_written(" Ada@Northmere.NHS.UK ") == "Ada@northmere.nhs.uk"


def test_the_part_of_an_address_after_the_at_sign_may_have_any_letters():
    assert people.email_written("a@bücher.nhs.uk") == "a@bücher.nhs.uk"


def test_a_nino_opens_for_its_own_person_only():
    one, other = a_person(), a_person()
    people.seal_nino(one, "qq 12 34 56 c")
    db.session.commit()
    assert people.opened_nino(one.uuid, one.nino_sealed) == "QQ123456C"
    assert b"QQ123456C" not in one.nino_sealed
    with pytest.raises(CannotOpen):
        people.opened_nino(other.uuid, one.nino_sealed)
