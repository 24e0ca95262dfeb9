"""What a profile shows, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, scoped_session

from app import audit
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import NotFound
from app.domain.statuses import Outcome
from app.services import profile
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment

TODAY = START.date()


@pytest.mark.usefixtures("db_session")
def test_a_person_s_page_has_their_cards_and_positions_newest_first() -> None:
    manager = a_person(given_name="Joan", family_name="Lee")
    person = a_person(line_manager=manager, job_title="Nurse")
    old = a_card(person, START - timedelta(days=900), status=CardStatus.CANCELLED)
    new = a_card(person, START, expires_on=TODAY)
    first, second = an_assignment(person), an_assignment(person, start=TODAY)
    shown = profile.read(person.id, today=TODAY)
    assert (shown.uuid, shown.line_manager, shown.has_photo) == (person.uuid, "Joan Lee", False)
    assert [card.id for card in shown.cards] == [new.id, old.id]
    assert [held.code for held in shown.assignments] == [
        second.position.code,
        first.position.code,
    ]


@pytest.mark.usefixtures("db_session")
def test_a_card_is_shown_as_expired_from_the_day_after_its_last() -> None:
    card = a_card(a_person(), expires_on=TODAY)
    assert profile.own_card(card.id, today=TODAY).status is CardStatus.ISSUED
    tomorrow = TODAY + timedelta(days=1)
    assert profile.own_card(card.id, today=tomorrow).status is CardStatus.EXPIRED


@pytest.mark.usefixtures("db_session")
def test_a_cancelled_card_has_no_services() -> None:
    card = a_card(a_person(), status=CardStatus.CANCELLED)
    assert not profile.own_card(card.id, today=TODAY).in_use


def test_events_are_read_page_by_page_and_none_is_left_out_or_told_twice(
    db_session: scoped_session[Session],
) -> None:
    person, other = a_person(), a_person()
    for number in range(7):
        for each in (person, other):
            audit.record(
                f"trial.{number}",
                outcome=Outcome.DONE,
                actor=each,
                subject_person_id=person.id if each is person else other.id,
                now=START,
            )
    db_session.commit()
    told: list[str] = []
    before: int | None = None
    while True:
        page = profile.events(person.id, before=before, limit=3)
        assert all(event.own for event in page.rows)
        told += [event.event for event in page.rows]
        if page.older is None:
            break
        before = page.older
    assert told == [f"trial.{number}" for number in reversed(range(7))]


@pytest.mark.usefixtures("db_session")
@pytest.mark.parametrize("read", [profile.contact, profile.photo])
def test_nobody_is_not_found(read: object) -> None:
    with pytest.raises(NotFound):
        read(999)  # type: ignore[operator]
    with pytest.raises(NotFound):
        profile.read(999, today=TODAY)
