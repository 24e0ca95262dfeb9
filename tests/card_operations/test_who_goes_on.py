"""Whoever works on another person's card goes on only while they may: by the way they began."""

from dataclasses import replace

import pytest

from app.card_operations import change_passcode, issue, journal, unlock
from app.card_operations.answers import Answer, Finished, NextTicket, Waiting
from app.domain.errors import NotFound
from app.domain.roles import Role
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Person
from reader_bridge.contract import Algorithm
from tests.card_operations import test_erase, test_repair, test_unlock
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_unlock import NEW, issued, put_in_again
from tests.parts.people import an_organisation
from tests.parts.renewing import an_agent, make_older

KINDS = ("unlock", "erase", "repair", "change-passcode", "issue")


def begin(counter: Counter, holder: Person, kind: str) -> NextTicket:
    """An agent has begun something on a holder's card."""
    if kind == "issue":
        counter.put_in()
        counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
        return issue.start(
            holder,
            counter.page.blank_card(counter.reader),
            algorithm=Algorithm.ES256,
            actor=counter.actor,
            office=counter.office,
            now=counter.now,
            **counter.at_the_bridge(),
        )
    if kind == "erase":
        return test_erase.start(counter, test_erase.cancelled(counter, holder))
    card = issued(counter, holder)
    assert counter.actor is not None
    if kind == "repair":
        make_older(counter, card, 731)
        return test_repair.start(counter, card)
    begins = unlock.start_assisted if kind == "unlock" else change_passcode.start_assisted
    return begins(
        counter.actor, card, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", KINDS)
def test_no_ticket_is_given_without_asking_whether_they_may(
    counter: Counter, holder: Person, kind: str
) -> None:
    begun = begin(counter, holder, kind)
    put_in_again(counter)
    with pytest.raises(NotFound):
        counter.ticket(begun.operation)


def first_answer(counter: Counter, begun: NextTicket) -> Answer:
    typed = {"new_passcode": NEW, "passcode": PASSCODE}
    return counter.bring(begun.operation, counter.page.step(begun, **typed))


def must_wait_for_somebody_else(
    counter: Counter, holder: Person, kind: str, begun: NextTicket
) -> None:
    """What the card has done counts; whoever may goes on from there."""
    answer = first_answer(counter, begun)
    assert isinstance(answer, Waiting)
    assert answer.reason == "not-allowed"
    row = journal.find(begun.operation, browser=counter.page.browser)
    assert row.state is OperationState.WAITING
    assert [step.outcome for step in row.steps] == ["done"]
    put_in_again(counter)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
    begins = test_unlock.start if kind == "unlock" else test_erase.start
    assert row.card is not None
    again = begins(counter, row.card)
    assert again.operation == begun.operation
    assert isinstance(counter.run(again, new_passcode=NEW), Finished)


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", ["unlock", "erase"])
def test_an_agent_who_has_lost_the_role_meanwhile_is_given_no_further_ticket(
    counter: Counter, holder: Person, kind: str
) -> None:
    begun = begin(counter, holder, kind)
    assert counter.actor is not None
    counter.actor = replace(counter.actor, role=None)
    must_wait_for_somebody_else(counter, holder, kind, begun)


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", ["unlock", "erase"])
def test_an_agent_whose_reach_the_holder_has_left_is_given_no_further_ticket(
    counter: Counter, holder: Person, kind: str
) -> None:
    begun = begin(counter, holder, kind)
    holder.organisation = an_organisation()
    db.session.commit()
    must_wait_for_somebody_else(counter, holder, kind, begun)


@pytest.mark.parametrize("kind", ["repair", "issue"])
def test_no_new_keys_are_made_for_an_agent_who_has_lost_the_role(
    counter: Counter, holder: Person, kind: str
) -> None:
    begun = begin(counter, holder, kind)
    assert counter.actor is not None
    counter.actor = replace(counter.actor, role=Role.SPONSOR)
    answer = first_answer(counter, begun)
    assert isinstance(answer, Waiting)
    assert answer.reason == "not-allowed"


def test_the_last_answer_counts_whoever_brings_it(counter: Counter, holder: Person) -> None:
    begun = begin(counter, holder, "unlock")
    answer = first_answer(counter, begun)
    assert isinstance(answer, NextTicket)
    assert counter.actor is not None
    counter.actor = replace(counter.actor, role=None)
    done = counter.bring(answer.operation, counter.page.step(answer))
    assert isinstance(done, Finished)
