"""Cancelling a card, signed by the agent's own; with and without the card in a reader."""

from typing import Any

import pytest
from sqlalchemy import select

from app.card_operations import change_passcode
from app.card_operations.answers import Finished, NextTicket
from app.card_operations.refusals import OperationOver, OtherAnswer
from app.domain.cancelling import CancelReason
from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardServiceRefused
from app.domain.errors import Invalid, NotSignedIn, SignInRefused
from app.domain.principal import Principal
from app.domain.statuses import CertificateStatus, OperationState, SessionEnd
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, OutboxMessage, Person
from app.services import cards, sessions
from reader_bridge.contract import Slot
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_2


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    holder.email = "ada@nhs.net"
    return counter.issue(holder)


@pytest.fixture
def agent(counter: Counter, card: Card) -> Principal:
    assert card.person is not None
    return counter.sign_in_agent(card.person.organisation)


def start(counter: Counter, card: Card, **more: Any) -> NextTicket:
    assert counter.actor is not None
    wanted: dict[str, Any] = {
        "reason": CancelReason.STOLEN, "note": "", "replacement": False, "guid": None, **more,
    }  # fmt: skip
    return cards.start_cancel(
        counter.actor,
        card.id,
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(READER_2),
        **wanted,
    )


def test_a_card_is_cancelled_in_the_transaction_of_the_signature(
    counter: Counter, card: Card, agent: Principal
) -> None:
    counter.page.desk("remove", reader=counter.reader)  # the card need not be there
    done = counter.run(start(counter, card), passcode=PASSCODE)
    assert isinstance(done, Finished)
    db.session.refresh(card)
    assert card.status is CardStatus.CANCELLED
    assert {each.status for each in card.certificates} == {CertificateStatus.REVOKED}
    assert {each.revocation_reason for each in card.certificates} == {"key-compromise"}
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.cancelled")).one()
    assert event.statement == done.facts["statement"]
    assert event.facts["text"] == done.facts["text"]
    assert (event.actor_uuid, event.subject_card_id) == (agent.uuid, card.id)
    told = db.session.execute(select(OutboxMessage.template, OutboxMessage.to)).all()
    assert ("card-cancelled", "ada@nhs.net") in told
    assert {template for template, _ in told} == {"card-cancelled", "card-cancelled-ra"}


def test_until_it_is_signed_nothing_is_cancelled(
    counter: Counter, card: Card, agent: Principal
) -> None:
    ticket = start(counter, card)
    body = counter.page.step(ticket, passcode=PASSCODE)
    db.session.refresh(card)
    assert card.status is CardStatus.ISSUED
    sessions.end(agent.session_id, SessionEnd.CARD_REMOVED, counter.now)
    counter.actor = None
    with pytest.raises(NotSignedIn):
        counter.bring(ticket.operation, body)
    db.session.refresh(card)
    assert card.status is CardStatus.ISSUED


def test_the_holder_is_signed_out_everywhere_and_cannot_sign_in(
    counter: Counter, card: Card, holder: Person
) -> None:
    principal = counter.sign_in(card)
    counter.sign_in_agent(holder.organisation)
    counter.run(start(counter, card), passcode=PASSCODE)
    assert sessions.times(principal.session_id) is None
    with pytest.raises(SignInRefused):  # told to who has the card, once it has proven itself
        counter.run(counter.start_sign_in(card), passcode=PASSCODE)


def test_what_ran_on_the_card_ends_and_its_late_answer_changes_nothing(
    counter: Counter, card: Card, holder: Person
) -> None:
    principal = counter.sign_in(card)
    ticket = change_passcode.start(
        principal, guid=None, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    late = counter.page.step(ticket, passcode=PASSCODE, new_passcode="Green815")
    counter.sign_in_agent(holder.organisation)
    counter.run(start(counter, card), passcode=PASSCODE)
    with pytest.raises(OperationOver):
        counter.bring(ticket.operation, late)
    row = db.session.scalars(select(CardOperation).filter_by(public_id=ticket.operation)).one()
    assert row.state is OperationState.ABANDONED
    assert not db.session.scalars(select(AuditEvent).filter_by(event="card.passcode-changed")).all()


def test_what_ran_on_a_suspended_card_is_answered_too_late_and_may_go_on_after_it_resumes(
    counter: Counter, card: Card, holder: Person
) -> None:
    principal = counter.sign_in(card)
    ticket = change_passcode.start(
        principal, guid=None, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    late = counter.page.step(ticket, passcode=PASSCODE, new_passcode="Green815")
    agent = counter.sign_in_agent(holder.organisation)
    cards.suspend(agent, card.id, note="mislaid", now=counter.now)
    counter.actor = principal
    with pytest.raises(OtherAnswer):
        counter.bring(ticket.operation, late)
    row = db.session.scalars(select(CardOperation).filter_by(public_id=ticket.operation)).one()
    assert row.state is OperationState.WAITING


def test_a_card_that_was_cancelled_meanwhile_is_not_cancelled_twice(
    counter: Counter, card: Card, agent: Principal
) -> None:
    first, second = start(counter, card), start(counter, card)
    counter.run(first, passcode=PASSCODE)
    with pytest.raises(CardServiceRefused):
        counter.run(second, passcode=PASSCODE)
    events = db.session.scalars(select(AuditEvent).filter_by(event="card.cancelled")).all()
    assert len(events) == 1
    with pytest.raises(CardServiceRefused):
        start(counter, card)


def test_a_reason_that_says_little_wants_a_note(
    counter: Counter, card: Card, agent: Principal
) -> None:
    with pytest.raises(Invalid):
        start(counter, card, reason=CancelReason.OTHER)
    start(counter, card, reason=CancelReason.OTHER, note="found in a drawer")


def test_the_keys_of_a_cancelled_card_stay_known_so_that_old_signatures_can_be_verified(
    counter: Counter, card: Card, agent: Principal
) -> None:
    counter.run(start(counter, card), passcode=PASSCODE)
    assert {each.slot for each in card.keys} == {slot.value for slot in Slot}


def test_a_card_that_is_replaced_is_cancelled_with_an_event_and_what_ran_on_it_ends(
    counter: Counter, card: Card, holder: Person
) -> None:
    principal = counter.sign_in(card)
    ticket = change_passcode.start(
        principal, guid=None, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    late = counter.page.step(ticket, passcode=PASSCODE, new_passcode="Green815")
    counter.actor = None
    counter.reader = READER_2
    counter.put_in(name="two")
    new = counter.issue(holder)
    db.session.refresh(card)
    assert card.status is CardStatus.CANCELLED
    assert sessions.times(principal.session_id) is None
    with pytest.raises(OperationOver):
        counter.bring(ticket.operation, late)
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.cancelled")).one()
    assert (event.facts["reason"], event.facts["replaced_by"]) == ("replaced", new.number)
