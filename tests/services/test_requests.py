"""Requests for a new card: filed once, listed for those who may issue, and fulfilled."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from app.domain.errors import NotAllowed, TransitionRefused
from app.domain.principal import Principal
from app.domain.requests import RequestEvent, RequestKind, RequestState
from app.domain.roles import Role
from app.extensions import db
from app.models import Organisation, Person, Request
from app.services import requests
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, a_principal, an_organisation

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def agent() -> Principal:
    return a_principal(Role.RA_AGENT)


def a_colleague(agent: Principal, **columns) -> Person:
    where = columns.pop("organisation", None) or db.session.get(Organisation, agent.organisation_id)
    return a_person(organisation=where, **columns)


def a_request(person: Person, minutes: int = 0, **columns) -> Request:
    now = START + timedelta(minutes=minutes)
    request = requests.file_card_request(person, card=None, reason="lost", by=None, now=now)
    for name, value in columns.items():
        setattr(request, name, value)
    db.session.commit()
    return request


def shown(agent: Principal, **how) -> list[int]:
    return [row.id for row in requests.awaiting(agent, **how).rows]


def test_a_person_waits_for_one_new_card_at_most(agent):
    person = a_colleague(agent)
    first, second = a_request(person), a_request(person)
    assert first is second
    db.session.add(
        Request(
            kind=RequestKind.ISSUE_CARD,
            organisation_id=person.organisation_id,
            subject_person_id=person.id,
            filed_at=START,
            modified_at=START,
        )
    )
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()


def test_a_request_says_whose_card_it_replaces_and_who_asked(agent):
    person = a_colleague(agent, given_name="Grace", family_name="Hopper")
    card = a_card(person, status="cancelled")
    requests.file_card_request(person, card=card, reason="stolen", by=agent, now=START)
    db.session.commit()
    (row,) = requests.awaiting(agent).rows
    assert (row.name, row.uuid, row.card_number) == ("Grace Hopper", person.uuid, card.number)
    assert (row.by, row.reason, row.filed_at) == ("Ada Lovelace", "stolen", START)
    assert row.own


def test_those_who_wait_longest_come_first(agent):
    late, early = (a_request(a_colleague(agent), minutes) for minutes in (9, 1))
    assert shown(agent) == [early.id, late.id]


def test_only_requests_of_organisations_within_reach_are_listed(agent):
    own = db.session.get(Organisation, agent.organisation_id)
    near = a_request(a_colleague(agent, organisation=an_organisation(parent=own)))
    a_request(a_person())
    assert shown(agent) == [near.id]
    assert requests.awaiting_count(agent) == requests.Count(1)


@pytest.mark.parametrize("event", [RequestEvent.COMPLETE, RequestEvent.REJECT, RequestEvent.CANCEL])
def test_what_is_over_awaits_nobody_and_a_new_request_can_be_filed(agent, event):
    person = a_colleague(agent)
    request = a_request(person)
    request.apply(event, by=agent.person_id, now=START)
    db.session.commit()
    assert request.closed_by_id == agent.person_id
    assert shown(agent) == []
    assert a_request(person) is not request
    with pytest.raises(TransitionRefused):
        request.apply(RequestEvent.COMPLETE, by=None, now=START)


def test_ones_own_request_is_listed_for_others_to_act_on_and_not_counted(agent):
    filed = a_request(a_colleague(agent), filed_by_id=agent.person_id)
    me = db.session.get(Person, agent.person_id)
    assert me is not None
    about_me = a_request(me)
    assert shown(agent) == [filed.id, about_me.id]
    assert all(row.own for row in requests.awaiting(agent).rows)
    assert requests.awaiting_count(agent) == requests.Count(0)


@pytest.mark.parametrize("role", [None, Role.SPONSOR, Role.ID_CHECKER, Role.LOCAL_ADMINISTRATOR])
def test_who_decides_on_no_requests_sees_none(role):
    actor = a_principal(role)
    for ask in (requests.awaiting, requests.awaiting_count):
        with pytest.raises(NotAllowed):
            ask(actor)


def test_pages_follow_each_other_without_gap_or_overlap(agent):
    filed = [a_request(a_colleague(agent), minutes=number // 2).id for number in range(5)]
    seen: list[int] = []
    after = None
    while True:
        page = requests.awaiting(agent, after=after, limit=2)
        seen += [row.id for row in page.rows]
        after = page.further
        if after is None:
            break
    assert seen == filed
    assert requests.awaiting_count(agent, counted=3) == requests.Count(3, more=True)


def test_a_list_costs_the_same_queries_however_long_it_is(agent, count_queries):
    costs = []
    for _ in range(2):
        with count_queries() as queries:
            requests.awaiting(agent)
            requests.awaiting_count(agent)
        costs.append(len(queries))
        for _ in range(4):
            a_request(a_colleague(agent))
    assert costs[0] == costs[1] <= 5


def test_the_requests_about_a_person_are_listed_the_newest_first(agent):
    person = a_colleague(agent)
    old = a_request(person)
    old.apply(RequestEvent.COMPLETE, by=None, now=START)
    new = a_request(person, minutes=5)
    rows = requests.about(person.id, reader=agent)
    assert [(row.id, row.state) for row in rows] == [
        (new.id, RequestState.SUBMITTED),
        (old.id, RequestState.DONE),
    ]
