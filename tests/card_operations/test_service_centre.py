"""The way into the Service Centre: the same for every card, and what an unlock begins with."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.card_operations import hello, sealed, service_centre, unlock, wire
from app.card_operations.answers import Answer, CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.refusals import OtherAnswer, UnlockNotAllowed, WorkstationNotEnrolled
from app.card_operations.service_centre import CardKeyShown
from app.cli.bridge_page import BridgePage
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import NotFound
from app.domain.statuses import OperationState, Outcome, PersonStatus, WorkstationStatus
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, OutboxMessage, Person, SelfService
from reader_bridge.contract import Algorithm
from tests.card_operations.conftest import Counter
from tests.card_operations.test_unlock import (
    NEW,
    as_page,
    issued,
    lock,
    must_be_unlocked,
    put_in_again,
    start,
)
from tests.parts.bridge import ORIGIN, Message
from tests.parts.self_service import registered

REFUSED = {"refused": True}


@pytest.fixture
def alone(counter: Counter, holder: Person) -> Counter:
    """A registered holder whose card is locked, not signed in."""
    card = issued(counter, holder)
    registered(holder, counter.now)
    lock(counter, card)
    counter.actor = None
    return counter


@pytest.fixture
def card(alone: Counter) -> Card:
    return db.session.scalars(select(Card).where(Card.status == CardStatus.LOCKED)).one()


def begin(counter: Counter, page: BridgePage | None = None, **shown: Any) -> NextTicket:
    """As a page does that has read the card: what it has read is all that the start is told."""
    page = page or counter.page
    facts = page.read_card(counter.reader)
    written = facts["certificates"].get("9e")
    key = CardKeyShown.from_certificate(wire.to_bytes(written) if written else None)
    return service_centre.start(
        shown.get("guid", facts["guid"]), shown.get("key", key),
        sid=page.sid, seat=page.seats[counter.reader], browser=page.browser,
        office=counter.office, now=counter.now,
    )  # fmt: skip


def proven(counter: Counter) -> CardOperation:
    """The card has shown that it is genuine: its unlock stands still."""
    answer = counter.run(begin(counter))
    assert isinstance(answer, Finished), answer
    return db.session.scalars(
        select(CardOperation).filter_by(public_id=answer.facts["unlock"])
    ).one()


def allow(counter: Counter, operation: CardOperation, ago: timedelta = timedelta(0)) -> str:
    unlock.allow(operation, now=counter.now - ago)
    db.session.commit()
    return operation.public_id


def the_refusal() -> AuditEvent:
    return db.session.scalars(
        select(AuditEvent).filter_by(event="card.unlock-begun", outcome=Outcome.REFUSED)
    ).one()


# Whoever may go on


@pytest.mark.both_databases
def test_an_unlock_stands_still_until_it_is_allowed_and_is_then_done(
    alone: Counter, card: Card
) -> None:
    operation = proven(alone)
    assert operation.state is OperationState.WAITING
    assert (operation.card_id, operation.person_id) == (card.id, card.person_id)
    assert card.puk_pending_sealed is None
    with pytest.raises(UnlockNotAllowed):
        alone.ticket(operation.public_id)
    db.session.rollback()
    done = as_page(alone, alone.ticket(allow(alone, operation)))
    assert isinstance(done, Finished)
    must_be_unlocked(alone, card)
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.unlocked")).one()
    assert event.actor_uuid == (card.person.uuid if card.person else None)
    bodies = [each.body_text or "" for each in db.session.scalars(select(OutboxMessage))]
    assert not any("helped" in body for body in bodies)


def test_what_was_allowed_holds_for_15_minutes(alone: Counter) -> None:
    operation = proven(alone)
    with pytest.raises(UnlockNotAllowed):
        alone.ticket(allow(alone, operation, timedelta(minutes=15, seconds=1)))
    db.session.rollback()
    alone.ticket(allow(alone, operation, timedelta(minutes=14, seconds=50)))


def test_a_lost_answer_is_recovered_in_the_same_attempt(alone: Counter, card: Card) -> None:
    public_id = allow(alone, proven(alone))
    alone.page.step(alone.ticket(public_id), new_passcode=NEW)
    put_in_again(alone)
    assert isinstance(as_page(alone, alone.ticket(public_id)), Finished)
    must_be_unlocked(alone, card)


def test_a_passcode_that_breaks_the_rule_may_be_typed_again(alone: Counter, card: Card) -> None:
    public_id = allow(alone, proven(alone))
    refused = as_page(alone, alone.ticket(public_id), "1111")
    assert isinstance(refused, CardAnswered)
    assert isinstance(as_page(alone, alone.ticket(public_id)), Finished)
    must_be_unlocked(alone, card)


def test_whoever_begins_anew_proves_all_again_and_no_puk_is_lost(
    alone: Counter, card: Card
) -> None:
    operation = proven(alone)
    late = alone.ticket(allow(alone, operation))
    body = alone.page.step(late, new_passcode=NEW)  # done, and the answer is lost
    put_in_again(alone)
    pending = sealed.pending_puk(alone.office.vault, card)
    again = proven(alone)
    assert again.public_id == operation.public_id
    with pytest.raises(UnlockNotAllowed):
        alone.ticket(again.public_id)
    db.session.rollback()
    with pytest.raises(OtherAnswer):
        alone.bring(again.public_id, body)
    assert sealed.pending_puk(alone.office.vault, card) == pending
    assert isinstance(as_page(alone, alone.ticket(allow(alone, again)), "Amber519"), Finished)
    must_be_unlocked(alone, card, "Amber519")


def test_an_agent_goes_on_with_what_self_service_left_and_the_other_way_round(
    alone: Counter, card: Card
) -> None:
    proven(alone)
    assert card.person is not None
    alone.sign_in_agent(card.person.organisation, name="another")
    alone.bring((first := start(alone, card)).operation, alone.page.step(first, new_passcode=NEW))
    alone.actor = None
    operation = proven(alone)  # in the same browser; elsewhere it is in the agent's hands
    assert (operation.session_id, operation.actor_person_id) == (None, None)
    assert isinstance(as_page(alone, alone.ticket(allow(alone, operation))), Finished)
    must_be_unlocked(alone, card)


def test_a_card_that_somebody_works_on_says_so_after_its_proof_alone(
    alone: Counter, card: Card, another_page: Callable[[], BridgePage]
) -> None:
    assert card.person is not None
    alone.sign_in_agent(card.person.organisation, name="another")
    start(alone, card)
    page = another_page()
    hello.receive(page.hello, origin=ORIGIN, browser=page.browser, now=alone.now)
    db.session.commit()
    alone.actor = None
    ticket = begin(alone, page)
    answer = alone.bring(ticket.operation, page.step(ticket), page.browser)
    assert isinstance(answer, Waiting)
    assert answer.reason == "card-in-hand"
    assert answer.facts["free_at"]


def test_the_card_key_counts_and_not_the_number_that_the_card_shows(
    alone: Counter, card: Card
) -> None:
    """Other software writes numbers; without a certificate, the number is all there is."""
    assert isinstance(alone.run(begin(alone, key=CardKeyShown())), Finished)
    rsa = CardKeyShown(Algorithm.RS256, None)
    answer = alone.run(begin(alone, key=rsa))
    assert isinstance(answer, Finished)
    assert answer.facts == REFUSED  # whoever says that they know the algorithm is believed
    assert the_refusal().facts["why"] == "not-proven"


def test_a_card_that_is_pulled_proves_nothing_and_may_be_put_in_again(alone: Counter) -> None:
    ticket = begin(alone)
    alone.page.desk("remove", reader=alone.reader)
    answer = alone.bring(ticket.operation, alone.page.step(ticket))
    assert isinstance(answer, CardAnswered)
    assert answer.step == service_centre.PROVE
    put_in_again(alone)
    assert isinstance(alone.run(alone.ticket(ticket.operation)), Finished)


def test_where_no_certificate_says_which_algorithm_both_are_tried(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    counter.issue(holder, algorithm=Algorithm.RS256)
    registered(holder, counter.now)
    assert isinstance(counter.run(begin(counter, key=CardKeyShown())), Finished)
    steps = db.session.scalars(select(CardOperation).filter_by(kind="service-centre")).one().steps
    assert len(steps) == len({step.nonce for step in steps})


def test_only_an_enrolled_pc_begins_whatever_the_card(alone: Counter) -> None:
    alone.introduce(WorkstationStatus.SEEN)
    for guid in (None, "0" * 32, "f" * 32):
        with pytest.raises(WorkstationNotEnrolled):
            begin(alone, guid=guid)


# Whoever is turned away


def unregistered(counter: Counter, card: Card) -> None:
    db.session.query(SelfService).delete()


def registration_ended(counter: Counter, card: Card) -> None:
    db.session.query(SelfService).update({"registered_at": None})


def without_questions(counter: Counter, card: Card) -> None:
    db.session.query(SelfService).update({"questions_changed_at": None})


def blocked(counter: Counter, card: Card) -> None:
    db.session.query(SelfService).update({"blocked_at": counter.now, "failed_attempts": 3})


def failed_three_times(counter: Counter, card: Card) -> None:
    db.session.query(SelfService).update({"failed_attempts": 3})


def cancelled(counter: Counter, card: Card) -> None:
    card.status = CardStatus.CANCELLED


def suspended(counter: Counter, card: Card) -> None:
    card.status = CardStatus.SUSPENDED


def closed(counter: Counter, card: Card) -> None:
    assert card.person is not None
    card.person.status = PersonStatus.CLOSED


def puk_unknown(counter: Counter, card: Card) -> None:
    card.puk_current_out = card.puk_pending_out = True


def another_key(counter: Counter, card: Card) -> None:
    """A card that shows certificate and number of ours, and has another key."""
    chip = counter.chip()
    chip.keys["9e"] = chip.keys["9a"]
    chip.save()
    put_in_again(counter)


def no_key(counter: Counter, card: Card) -> None:
    chip = counter.chip()
    del chip.keys["9e"]
    chip.save()
    put_in_again(counter)


def unknown(counter: Counter, card: Card) -> None:
    """A card of which the service has never heard."""
    counter.put_in(name="foreign")


TURNED_AWAY: dict[Callable[[Counter, Card], None], str] = {
    unregistered: "not-registered",
    registration_ended: "not-registered",
    without_questions: "not-registered",
    blocked: "blocked",
    failed_three_times: "blocked",
    cancelled: "card",
    suspended: "card",
    closed: "account-closed",
    puk_unknown: "puk-unknown",
    another_key: "not-proven",
    no_key: "not-proven",
    unknown: "not-proven",
}


@pytest.mark.parametrize("change", TURNED_AWAY, ids=lambda change: change.__name__)
def test_whoever_is_turned_away_hears_the_same_and_only_the_log_has_the_reason(
    alone: Counter, card: Card, change: Callable[[Counter, Card], None]
) -> None:
    change(alone, card)
    db.session.commit()
    answer: Answer = alone.run(begin(alone))
    assert isinstance(answer, Finished)
    assert answer.facts == REFUSED
    event = the_refusal()
    assert event.facts["why"] == TURNED_AWAY[change]
    if event.facts["why"] == "not-proven":
        assert event.subject_card_id is None
    else:
        assert event.subject_card_id == card.id
    assert db.session.query(CardOperation).filter_by(kind="unlock").count() == 0
    row = db.session.scalars(select(CardOperation).filter_by(kind="service-centre")).one()
    assert (row.state, row.card_id, row.person_id) == (OperationState.REFUSED, None, None)


def test_a_statement_that_was_made_for_something_else_proves_nothing(
    alone: Counter, card: Card
) -> None:
    """A page may post what it likes; what the workstation signed for is judged."""
    first = begin(alone)
    body: Message = alone.page.step(first)
    begin_again = begin(alone)
    with pytest.raises(NotFound):
        alone.bring(begin_again.operation, body, browser="another")
    answer = alone.bring(first.operation, body)
    assert isinstance(answer, Finished)
    assert alone.bring(first.operation, body) == answer  # brought twice, counted once
    assert db.session.query(CardOperation).filter_by(kind="unlock").count() == 1


def test_with_the_code_alone_nobody_needs_questions(alone: Counter, card: Card) -> None:
    without_questions(alone, card)
    db.session.commit()
    alone.office.config["SELF_SERVICE_MODE"] = "code"
    proven(alone)


def test_a_card_that_is_not_locked_and_one_that_has_expired_are_served_too(
    alone: Counter, card: Card
) -> None:
    card.status = CardStatus.ISSUED
    card.expires_on = (alone.now - timedelta(days=2)).date()
    db.session.commit()
    done = as_page(alone, alone.ticket(allow(alone, proven(alone))))
    assert isinstance(done, Finished)
    assert done.facts["expired"]
    unlocked_again = proven(alone)
    assert unlocked_again.state is OperationState.WAITING
