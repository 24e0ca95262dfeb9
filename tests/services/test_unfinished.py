"""Operations that stopped half way, as their holder and an agent hear of them."""

from datetime import timedelta

import pytest

from app.card_operations.journal import IN_HAND
from app.domain.card_services import CardService
from app.domain.roles import Role
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Organisation
from app.services import unfinished
from tests.parts.operations import an_operation
from tests.parts.people import a_card, a_person, a_principal, an_organisation

pytestmark = pytest.mark.usefixtures("db_session")

FURTHER = {
    "renew": "first",
    "repair": "keys",
    "issue": "prepare",
    "unlock": "unlock",
    "erase": "erase",
    "change-passcode": "confirm",
}


@pytest.fixture
def card():
    return a_card(a_person())


def of(card, now):
    return unfinished.of_person(card.person_id, now=now)


@pytest.mark.parametrize(("kind", "step"), FURTHER.items())
def test_what_may_have_changed_the_card_is_told(card, clock, kind, step):
    an_operation(card, kind, step, state=OperationState.WAITING)
    [stopped] = of(card, clock())
    assert stopped.service == CardService(kind)
    assert (stopped.number, stopped.since) == (card.number, clock())


@pytest.mark.parametrize(
    ("kind", "step"),
    [("renew", "open"), ("unlock", "start"), ("issue", "open"), ("sign-in", "prove")],
)
def test_what_got_no_further_than_looking_is_begun_anew_without_a_word(card, clock, kind, step):
    an_operation(card, kind, step, state=OperationState.WAITING)
    assert of(card, clock()) == []


def test_a_change_of_passcode_is_told_while_its_answer_is_missing(card, clock):
    operation = an_operation(card, "change-passcode", "change")
    later = clock.advance(seconds=IN_HAND.total_seconds())
    assert [each.service for each in of(card, later)] == [CardService.CHANGE_PASSCODE]
    operation.steps[0].answered_at = clock()
    operation.state = OperationState.WAITING
    db.session.commit()
    assert of(card, later) == []


def test_what_a_page_is_at_work_on_has_not_stopped(card, clock):
    an_operation(card, "renew", "first")
    assert of(card, clock() + IN_HAND - timedelta(seconds=1)) == []
    assert len(of(card, clock() + IN_HAND)) == 1


def test_what_is_done_is_not_told(card, clock):
    operation = an_operation(card, "renew", "first", state=OperationState.DONE)
    operation.finished_at = clock()
    db.session.commit()
    assert of(card, clock() + IN_HAND) == []


def test_of_several_on_one_card_the_newest_is_told(card, clock):
    for number in range(3):
        an_operation(
            card, "renew", "first", state=OperationState.WAITING,
            now=clock() + timedelta(minutes=number),
        )  # fmt: skip
    [stopped] = of(card, clock())
    assert stopped.since == clock() + timedelta(minutes=2)


def test_an_agent_hears_of_those_in_reach_and_not_of_their_own(clock):
    agent = a_principal(Role.RA_AGENT)
    home = db.session.get_one(Organisation, agent.organisation_id)
    near, far = (a_card(a_person(organisation=each)) for each in (home, an_organisation()))
    for each in (near, far):
        an_operation(each, "repair", "keys", state=OperationState.WAITING, actor=agent)
    [stopped] = unfinished.in_reach(agent, now=clock())
    assert stopped.card_id == near.id
    assert stopped.by == agent.name
    assert unfinished.in_reach(a_principal(), now=clock()) == []


def test_it_costs_one_query_however_many_there_are(card, clock, count_queries):
    for kind, step in FURTHER.items():
        an_operation(card, kind, step, state=OperationState.WAITING)
    now, person = clock(), card.person_id
    with count_queries() as queries:
        assert len(unfinished.of_person(person, now=now)) == len(FURTHER)
    assert len(queries) == 1
