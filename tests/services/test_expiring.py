"""What expires soon, as an agent sees it: in reach, in order, page by page."""

from datetime import timedelta

import pytest

from app.domain.card_lifecycle import CardStatus
from app.domain.errors import NotAllowed
from app.domain.roles import Role
from app.domain.statuses import PersonStatus
from app.extensions import db
from app.models import Organisation
from app.services import expiring
from app.services.expiring import Place
from tests.parts.people import a_card, a_person, a_principal, an_assignment, an_organisation

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def agent():
    return a_principal(Role.RA_AGENT)


@pytest.fixture
def home(agent):
    return db.session.get_one(Organisation, agent.organisation_id)


def expires(clock, organisation, days, **columns):
    holder = a_person(organisation=organisation)
    return a_card(holder, expires_on=clock().date() + timedelta(days=days), **columns)


def listed(agent, clock, within=90, **what):
    return [
        row.card_id
        for row in expiring.page(agent, within=within, after=None, now=clock(), **what).rows
    ]


@pytest.mark.parametrize(
    ("days", "within", "shown"),
    [(-1, 7, False), (0, 7, True), (7, 7, True), (8, 7, False), (8, 30, True)],
)
def test_the_days_are_counted_from_today_through_the_last(agent, home, clock, days, within, shown):
    card = expires(clock, home, days)
    assert (card.id in listed(agent, clock, within)) is shown


def test_the_first_to_expire_comes_first_and_pages_follow_each_other(agent, home, clock):
    cards = [expires(clock, home, days).id for days in (9, 3, 3, 20, 3)]
    ordered = [cards[1], cards[2], cards[4], cards[0], cards[3]]
    seen, after = [], None
    while True:
        page = expiring.page(agent, within=30, after=after, now=clock(), limit=2)
        seen += [row.card_id for row in page.rows]
        if page.further is None:
            break
        after = Place.read(str(page.further))
    assert seen == ordered


def test_only_people_in_reach_are_listed(agent, home, clock):
    child = an_organisation(parent_id=home.id)
    elsewhere = an_organisation()
    below, away, visiting = (expires(clock, each, 5) for each in (child, elsewhere, elsewhere))
    an_assignment(visiting.person, organisation=home)
    assert sorted(listed(agent, clock)) == sorted([below.id, visiting.id])
    assert away.id not in listed(agent, clock)


def test_cards_and_people_that_are_no_more_are_left_out(agent, home, clock):
    expires(clock, home, 5, status=CardStatus.CANCELLED)
    gone = expires(clock, home, 5)
    gone.person.status = PersonStatus.CLOSED
    db.session.commit()
    assert listed(agent, clock) == []


def test_a_card_holder_is_refused(clock):
    with pytest.raises(NotAllowed):
        expiring.page(a_principal(), within=7, after=None, now=clock())


@pytest.mark.parametrize(
    "text", [None, "", ".", "2026-01-01", "2026-01-01.x", "x.1", "2026-01-01." + "9" * 30]
)
def test_a_place_that_is_none_begins_at_the_beginning(text):
    assert Place.read(text) is None


def test_a_page_costs_two_queries_whatever_is_on_it(agent, home, clock, count_queries):
    for days in range(10):
        expires(clock, home, days)
    with count_queries() as queries:
        assert len(listed(agent, clock, limit=8)) == 8
    assert len(queries) == 2
