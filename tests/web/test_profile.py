"""My profile: what a card holder sees of themselves, and may change."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from app import audit
from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import Outcome
from app.models import AuditEvent, Person, PersonPhoto
from app.services import people
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment
from tests.web.conftest import FRAGMENT
from tests.web.visits import sends, signs_in

NINO = "QQ123456C"
GOOD = {"email": "grace@hospital.nhs.uk", "telephone": "0151 496 0123", "mobile": "07700 900123"}

Rows = scoped_session[Session]


@pytest.fixture
def holder(db_session: Rows, client: FlaskClient) -> int:
    """Grace, signed in with her only card."""
    person = a_person(
        given_name="Grace", family_name="O’Neill <RN>", email="old@hospital.nhs.uk", title="Ms"
    )
    people.seal_nino(person, NINO)
    db_session.commit()
    number = person.id
    signs_in(client, a_card(person, serial="77900", expires_on=date(2027, 10, 11)))
    return number


def emails(db_session: Rows, person_id: int) -> str | None:
    db_session.expire_all()
    return db_session.scalar(select(Person.email).where(Person.id == person_id))


def test_the_profile_names_the_person_and_hides_their_nino(
    client: FlaskClient, holder: int
) -> None:
    text = client.get("/profile").text
    assert "Ms Grace O’Neill &lt;RN&gt;" in text
    assert "56C" in text
    assert NINO not in text
    assert NINO[:6] not in text


def test_a_nino_that_does_not_open_does_not_take_the_page_away(
    client: FlaskClient, holder: int, db_session: Rows
) -> None:
    person = db_session.get_one(Person, holder)
    assert person.nino_sealed
    person.nino_sealed = person.nino_sealed[:-1] + bytes([person.nino_sealed[-1] ^ 1])
    db_session.commit()
    answer = client.get("/profile")
    assert answer.status_code == 200
    assert "Held, cannot be shown" in answer.text


def test_the_profile_says_whom_to_tell_of_what_cannot_be_changed_here(
    client: FlaskClient, holder: int
) -> None:
    text = client.get("/profile").text
    assert "no longer a true likeness" in text
    assert 'href="/help"' in text


def test_the_card_table_shows_old_cards_and_the_status_that_the_calendar_says(
    client: FlaskClient, db_session: Rows
) -> None:
    person = a_person()
    a_card(person, START - timedelta(days=1500), status=CardStatus.CANCELLED, serial="12661")
    now = a_card(person, serial="77900", expires_on=START.date() - timedelta(days=1))
    signs_in(client, now)
    text = client.get("/profile").text
    assert "12661" in text
    assert "Cancelled" in text
    assert "Expired" in text
    assert text.index("77900") < text.index("12661"), "the newest card comes first"


def test_the_position_table_has_every_position_with_its_days(
    client: FlaskClient, db_session: Rows
) -> None:
    person = a_person()
    an_assignment(person, start=date(2019, 5, 1), end=date(2019, 12, 31))
    an_assignment(person, start=date(2020, 1, 1))
    signs_in(client, a_card(person))
    text = client.get("/profile").text
    assert "1\u00a0May 2019" in text
    assert "31\u00a0December 2019" in text
    assert "1\u00a0January 2020" in text


def test_nobody_else_is_shown(client: FlaskClient, holder: int) -> None:
    a_person(given_name="Somebody", family_name="Else")
    assert "Somebody" not in client.get("/profile").text


def test_the_page_holds_the_very_part_that_htmx_puts_into_it(
    client: FlaskClient, holder: int
) -> None:
    part = client.get("/profile/contact", headers=FRAGMENT).text.strip()
    page = client.get("/profile").text
    assert re.sub(r"\s+", " ", part) in re.sub(r"\s+", " ", page)
    assert page.count('id="contact"') == 1


def test_the_form_is_filled_in_with_what_is_known(client: FlaskClient, holder: int) -> None:
    text = client.get("/profile/contact/change").text
    assert 'value="old@hospital.nhs.uk"' in text
    assert 'method="post"' in text
    assert 'name="csrf_token"' in text


def test_contact_details_are_changed_without_script(
    client: FlaskClient, holder: int, db_session: Rows
) -> None:
    answer = sends(client, "/profile/contact/change", **GOOD)
    assert answer.status_code == 303
    after = client.get(answer.headers["Location"])
    assert "Your contact details have been updated" in after.text
    assert "grace@hospital.nhs.uk" in after.text
    assert "have been updated" not in client.get("/profile").text
    assert emails(db_session, holder) == "grace@hospital.nhs.uk"


def test_contact_details_are_changed_in_place(client: FlaskClient, holder: int) -> None:
    answer = sends(client, "/profile/contact/change", headers=FRAGMENT, **GOOD)
    assert answer.status_code == 303
    part = client.get(answer.headers["Location"], headers=FRAGMENT)
    assert "<html" not in part.text
    assert 'data-announce="Your contact details have been updated"' in part.text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "", "Enter your email address"),
        ("email", "nobody", "Enter an email address in the correct format"),
        ("email", "zoë@hospital.nhs.uk", "no accented or special letters before the @"),
        ("email", "a" * 250 + "@hospital.nhs.uk", "characters or fewer"),
        ("email", "a\x00b@hospital.nhs.uk", "characters that cannot be shown"),
        ("telephone", "ask Joan", "Telephone number must be digits"),
        ("telephone", "0151", "Telephone number is too short"),
        ("telephone", "0151 496 0123 0151 496 0124", "Telephone number is too long"),
        ("mobile", "0151 496 0123", "Mobile number must be that of a mobile"),
        ("mobile", "07" * 500, "Mobile number"),
    ],
)
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "part"])
def test_a_wrong_contact_detail_is_said_at_its_field_and_changes_nothing(
    client: FlaskClient,
    holder: int,
    db_session: Rows,
    field: str,
    value: str,
    words: str,
    headers: dict[str, str],
) -> None:
    answer = sends(client, "/profile/contact/change", headers=headers, **{**GOOD, field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-error"' in answer.text
    assert ("<title>Error: " in answer.text) is not bool(headers)
    assert emails(db_session, holder) == "old@hospital.nhs.uk"


def test_what_was_typed_is_still_there_when_something_was_wrong(
    client: FlaskClient, holder: int
) -> None:
    answer = sends(client, "/profile/contact/change", **{**GOOD, "mobile": '12"><script>'})
    assert 'value="12&#34;&gt;&lt;script&gt;"' in answer.text
    assert 'value="grace@hospital.nhs.uk"' in answer.text


def test_the_photo_is_only_the_holder_s_own(
    client: FlaskClient, holder: int, db_session: Rows
) -> None:
    assert client.get("/profile/photo").status_code == 404
    assert "No photo held" in client.get("/profile").text
    db_session.add(
        PersonPhoto(
            person_id=holder, content_type="image/jpeg", image=b"\xff\xd8", taken_on=START.date()
        )
    )
    db_session.commit()
    answer = client.get("/profile/photo")
    assert answer.data == b"\xff\xd8"
    assert answer.content_type == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'alt="Photo of Grace' in client.get("/profile").text


def events_about(db_session: Rows, person_id: int, number: int) -> None:
    for minute in range(number):
        audit.record(
            "terms.accepted",
            outcome=Outcome.DONE,
            actor=None,
            subject_person_id=person_id,
            now=START + timedelta(minutes=minute),
        )
    db_session.commit()


def test_my_activity_has_25_events_a_page_and_each_once(
    client: FlaskClient, holder: int, db_session: Rows
) -> None:
    events_about(db_session, holder, 60)
    address: str | None = "/profile/activity"
    pages, moments = 0, []
    while address:
        text = client.get(address).text
        found = re.findall(r"23 November 2026 at \d+:\d+am", text)
        assert len(found) <= 25
        moments += found
        pages += 1
        older = re.search(r'rel="next" href="([^"]+)"', text)
        address = older[1] if older else None
    assert pages == 3
    assert len(moments) == len(set(moments)) == 60


def test_my_activity_is_told_in_words_and_says_who_did_it(client: FlaskClient, holder: int) -> None:
    sends(client, "/profile/contact/change", **GOOD)
    text = client.get("/profile").text
    assert "Contact details changed" in text
    assert re.search(r"Who </span>\s*You", text)


def test_an_event_without_words_of_its_own_is_still_readable(
    client: FlaskClient, holder: int, db_session: Rows
) -> None:
    audit.record(
        "card.serial-corrected",
        outcome=Outcome.FAILED,
        actor=None,
        subject_person_id=holder,
        now=START,
    )
    db_session.commit()
    assert "Card: serial corrected: did not succeed" in client.get("/profile/activity").text


def test_nobody_reads_what_happened_to_others(
    client: FlaskClient, holder: int, db_session: Rows
) -> None:
    events_about(db_session, a_person().id, 3)
    assert "Terms and conditions accepted" not in client.get("/profile/activity").text


@pytest.mark.parametrize("before", ["0", "-1", "x", "9" * 30])
def test_a_page_of_activity_that_does_not_exist_is_not_a_fault(
    client: FlaskClient, holder: int, before: str
) -> None:
    assert client.get(f"/profile/activity?before={before}").status_code == 200


def test_the_profile_asks_the_database_as_often_for_many_rows_as_for_few(
    client: FlaskClient,
    db_session: Rows,
    count_queries: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    person: Any = a_person()
    number = person.id
    signs_in(client, a_card(person))
    client.get("/profile")  # the session is "seen" by this one

    def asked() -> int:
        with count_queries() as queries:
            assert client.get("/profile").status_code == 200
        return len([query for query in queries if query.startswith("SELECT")])

    few = asked()
    person = db_session.get_one(Person, number)
    for _ in range(12):
        an_assignment(person)
        a_card(person, status=CardStatus.CANCELLED)
    events_about(db_session, number, 12)
    db_session.remove()
    assert asked() == few == 7


def test_looking_at_one_s_own_profile_writes_nothing(
    client: FlaskClient, holder: int, db_session: Rows
) -> None:
    before = db_session.scalar(select(func.count(AuditEvent.id)))
    client.get("/profile")
    assert db_session.scalar(select(func.count(AuditEvent.id))) == before
