"""Finding people: by number, NINO and names, within reach, page by page, on both databases."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app import scope
from app.domain.errors import NotAllowed, NotFound
from app.domain.person_search import sought
from app.domain.principal import Principal
from app.domain.roles import Role
from app.extensions import db
from app.models import AuditEvent, Organisation, Person
from app.services import find_people, people, sessions
from tests.parts.clock import START
from tests.parts.people import (
    a_card,
    a_person,
    a_principal,
    a_session,
    an_assignment,
    an_organisation,
)

pytestmark = pytest.mark.usefixtures("db_session")

TODAY = START.date()
Counting = Callable[[], AbstractContextManager[list[str]]]


def place_of(actor: Principal) -> Organisation:
    organisation = db.session.get(Organisation, actor.organisation_id)
    assert organisation is not None
    return organisation


def a_colleague(actor: Principal, given: str, family: str, **columns) -> Person:
    where = columns.pop("organisation", None) or place_of(actor)
    return a_person(given_name=given, family_name=family, organisation=where, **columns)


def names(actor: Principal, text: str, **how) -> list[str]:
    found = find_people.search(actor, sought(text), now=START, **how)
    return [f"{row.given_name} {row.family_name}" for row in found.rows]


@pytest.fixture
def agent() -> Principal:
    return a_principal(Role.RA_AGENT)


@pytest.mark.parametrize("typed", ["Zoe Smi", "smith zoe", "SMITH-JO", "zoë", "zoe smith jones"])
def test_a_person_is_found_by_how_their_names_begin_in_any_order(agent, typed):
    a_colleague(agent, "Zoë", "Smith-Jones")
    a_colleague(agent, "Zachary", "Smythe")
    assert names(agent, typed) == ["Zoë Smith-Jones"]


def test_a_person_whose_two_names_begin_alike_is_listed_once(agent):
    a_colleague(agent, "Ali", "Ali")
    assert names(agent, "ali ali") == names(agent, "ali") == ["Ali Ali"]


def test_people_are_sorted_by_family_name(agent):
    for given, family in [("Bo", "Xu"), ("Xan", "Abel"), ("Xi", "Xu"), ("Xa", "Zorn")]:
        a_colleague(agent, given, family)
    assert names(agent, "x") == ["Xan Abel", "Bo Xu", "Xi Xu", "Xa Zorn"]


def test_a_person_is_found_by_their_uuid(agent):
    person = a_colleague(agent, "Grace", "Hopper")
    assert names(agent, person.uuid) == ["Grace Hopper"]
    assert names(agent, "111111111111") == names(agent, "099999999999") == []


def test_a_person_is_found_by_their_nino_without_opening_any(agent):
    person = a_colleague(agent, "Grace", "Hopper")
    people.seal_nino(person, "QQ 12 34 56 C")
    db.session.commit()
    assert names(agent, "qq123456c") == ["Grace Hopper"]
    assert names(agent, "QQ123456D") == []


# Within reach


def test_people_of_the_organisation_and_of_those_right_below_are_within_reach(agent):
    own = place_of(agent)
    child = an_organisation(parent=own)
    grandchild = an_organisation(parent=child)
    for given, where in [("Own", own), ("Child", child), ("Grand", grandchild)]:
        a_colleague(agent, given, "Reached", organisation=where)
    a_person(given_name="Else", family_name="Reached")
    assert names(agent, "reached") == ["Child Reached", "Own Reached"]


@pytest.mark.parametrize(
    ("start", "end", "reached"),
    [
        (TODAY, None, True),
        (TODAY, TODAY, True),
        (TODAY - timedelta(days=9), TODAY - timedelta(days=1), False),
        (TODAY + timedelta(days=1), None, False),
    ],
)
def test_who_holds_a_position_today_is_within_reach_wherever_their_home_is(
    agent, start: date, end: date | None, reached: bool
):
    visitor = a_person(given_name="Vi", family_name="Sitor")
    an_assignment(visitor, organisation=place_of(agent), start=start, end=end)
    an_assignment(visitor, organisation=place_of(agent), start=start, end=end)
    assert names(agent, "sitor") == (["Vi Sitor"] if reached else [])
    assert names(agent, visitor.uuid) == (["Vi Sitor"] if reached else [])
    assert scope.reaches(agent, visitor.id, today=TODAY) is reached


def test_a_person_out_of_reach_is_as_unknown_as_nobody(agent):
    stranger = a_person()
    card = a_card(stranger)
    for uuid in (stranger.uuid, "199999999999", "no number", "0" * 12, "\0"):
        with pytest.raises(NotFound) as error:
            scope.person(agent, uuid, today=TODAY)
        assert (error.value.kind, error.value.reason) == ("person", "not-found")
        with pytest.raises(NotFound):
            scope.card(agent, uuid, card.id, today=TODAY)


def test_a_card_is_reached_through_its_own_holder_only(agent):
    holder, other = a_colleague(agent, "A", "B"), a_colleague(agent, "C", "D")
    card = a_card(holder)
    assert scope.card(agent, holder.uuid, card.id, today=TODAY) is card
    for uuid, card_id in [(other.uuid, card.id), (holder.uuid, card.id + 1)]:
        with pytest.raises(NotFound):
            scope.card(agent, uuid, card_id, today=TODAY)


def test_a_card_holder_looks_for_nobody():
    holder = a_principal()
    with pytest.raises(NotAllowed):
        find_people.search(holder, sought("ada"), now=START)
    assert scope.organisations(holder) == []


@pytest.mark.parametrize("role", Role)
def test_every_role_of_the_registration_authority_finds_people(role):
    agent = a_principal(role)
    assert names(agent, agent.uuid) == ["Ada Lovelace"]


# Page by page


def test_pages_follow_each_other_without_gap_or_overlap(agent):
    elsewhere = an_organisation()
    for number in range(7):
        a_colleague(agent, f"Same{'abcdefg'[number]}", "Name")
    for _ in range(2):
        visitor = a_colleague(agent, "Samez", "Name", organisation=elsewhere)
        an_assignment(visitor, organisation=place_of(agent))
    seen, after = [], None
    while True:
        found = find_people.search(agent, sought("name"), now=START, limit=4, after=after)
        assert (found.count, found.more) == (9, False)
        seen += [row.uuid for row in found.rows]
        after = found.further
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 9


@pytest.mark.parametrize("after", ["", "x", "199999999999", "\0", "9" * 40])
def test_a_page_that_begins_nowhere_begins_at_the_beginning(agent, after):
    a_colleague(agent, "Only", "One")
    assert names(agent, "one", after=after) == ["Only One"]


def test_a_page_cannot_begin_at_somebody_out_of_reach(agent):
    a_colleague(agent, "Aa", "Same")
    stranger = a_person(given_name="Mm", family_name="Same")
    assert names(agent, "same", after=stranger.uuid) == ["Aa Same"]


def test_more_than_a_thousand_are_not_counted(agent):
    for given in "abcde":
        a_colleague(agent, given, "Many")
    found = find_people.search(agent, sought("many"), now=START, limit=2, counted=3)
    assert (found.count, found.more, len(found.rows)) == (3, True, 2)


# What it costs, and what it leaves behind


def test_a_search_costs_the_same_queries_however_many_are_found(agent, count_queries: Counting):
    costs = []
    for number in range(3):
        with count_queries() as queries:
            find_people.search(agent, sought("many"), now=START)
        costs.append(len([query for query in queries if query.startswith("SELECT")]))
        for _ in range(4 * number + 2):
            a_colleague(agent, "One", "Many")
    assert costs[0] == costs[1] == costs[2] <= 2


def test_a_search_leaves_an_event_that_says_who_was_shown_and_not_what_was_typed(agent):
    person = a_colleague(agent, "Grace", "Hopper")
    people.seal_nino(person, "QQ123456C")
    db.session.commit()
    find_people.search(agent, sought("QQ123456C"), now=START)
    event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.event, event.actor_person_id) == ("people.searched", agent.person_id)
    assert event.facts == {"by": "nino", "found": 1, "shown": [person.uuid]}


def test_a_role_in_another_organisation_reaches_others():
    person = a_person()
    clinic = an_organisation()
    assignment = an_assignment(person, Role.SPONSOR, organisation=clinic)
    sponsor = sessions.load(a_session(a_card(person), assignment_id=assignment.id), START)
    assert sponsor is not None
    assert scope.organisations(sponsor) == [clinic.id]


# Positions that say no more than the home does


def test_a_position_at_home_is_noted_as_such(agent):
    person = a_colleague(agent, "Ho", "Me")
    elsewhere = an_organisation()
    assert an_assignment(person).at_home
    assert not an_assignment(person, organisation=elsewhere).at_home


def test_who_moves_home_is_still_found_where_they_work(agent):
    person = a_colleague(agent, "Mo", "Ver")
    assignment = an_assignment(person)
    person.organisation = an_organisation()
    db.session.commit()
    db.session.refresh(assignment)
    assert not assignment.at_home
    assert names(agent, "ver") == ["Mo Ver"]
