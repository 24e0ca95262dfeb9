"""A holder changes the passcode at an agent's second reader."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.card_operations import change_passcode
from app.card_operations.answers import Finished, NextTicket
from app.card_operations.which_passcode import passcode_hint
from app.domain.card_lifecycle import CardEvent
from app.domain.card_services import CardServiceRefused
from app.domain.errors import NotFound
from app.extensions import db
from app.models import AuditEvent, Card, OutboxMessage, Person
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_unlock import NEW, issued
from tests.parts.people import an_organisation


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    return issued(counter, holder)


def start(counter: Counter, card: Card) -> NextTicket:
    """The agent at the counter begins, with the card in the second reader."""
    assert counter.actor is not None
    return change_passcode.start_assisted(
        counter.actor, card, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )


def test_the_holder_changes_the_passcode_at_the_agents_second_reader(
    counter: Counter, card: Card
) -> None:
    ticket = start(counter, card)
    assert counter.actor is not None
    done = counter.run(ticket, passcode=PASSCODE, new_passcode=NEW)
    assert isinstance(done, Finished)
    assert counter.chip().passcode.value.rstrip(b"\xff").decode() == NEW
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.passcode-changed")).one()
    assert (event.actor_uuid, event.subject_card_id) == (counter.actor.uuid, card.id)
    message = db.session.scalars(select(OutboxMessage)).one()
    assert (message.to, message.template) == ("ada@nhs.net", "passcode-changed")


def test_a_lost_answer_is_settled_at_the_agents_with_the_new_passcode_first(
    counter: Counter, card: Card
) -> None:
    counter.page.step(start(counter, card), passcode=PASSCODE, new_passcode=NEW)
    assert passcode_hint(card) == "new-then-old"
    assert isinstance(counter.run(start(counter, card), passcode=NEW), Finished)


def test_an_agent_changes_nobodys_passcode_out_of_reach(counter: Counter, card: Card) -> None:
    counter.sign_in_agent(an_organisation(), name="another")
    with pytest.raises(NotFound):
        start(counter, card)


def test_a_card_that_was_suspended_meanwhile_gets_no_other_passcode(
    counter: Counter, card: Card
) -> None:
    ticket = start(counter, card)
    counter.bring(ticket.operation, {"step": ticket.step, "error": {"code": "no-card"}})
    card.apply(CardEvent.SUSPEND, now=counter.now)
    db.session.commit()
    with pytest.raises(CardServiceRefused, match="suspended"):
        start(counter, card)


def test_a_change_that_an_agent_helps_with_is_none_of_their_own(
    counter: Counter, card: Card
) -> None:
    counter.page.step(
        start(counter, card), passcode=PASSCODE, new_passcode=NEW
    )  # the answer is lost
    later = counter.now + timedelta(minutes=5)
    browser = counter.page.browser
    assert counter.actor is not None
    assert change_passcode.unsettled(counter.actor, browser=browser, now=later) is None
