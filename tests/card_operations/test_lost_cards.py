"""A card that is lost or broken half way: given up without it, and erased should it turn up."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.card_operations import lost
from app.card_operations.answers import Finished, NextTicket
from app.card_operations.erased import may_be
from app.card_operations.refusals import CardInHand, OperationOver
from app.domain.cancelling import CancelReason
from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardService
from app.domain.errors import NotAllowed, NotFound
from app.domain.roles import Role
from app.domain.second_card import SecondCard
from app.domain.statuses import CertificateStatus, OperationState, Outcome
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, Person
from app.services import card_check, giving_up, lost_cards, presented_cards, second_reader
from app.services import unfinished as standing
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_erase import cancelled, erased, put_in_again, start, steps
from tests.parts.people import a_person, an_organisation


def half_issued(counter: Counter, holder: Person, answers: int = 4) -> CardOperation:
    """An issue that stopped after this many answers of the card."""
    counter.put_in()
    ticket = counter.start_issue(holder)
    for _ in range(answers):
        step = counter.page.step(ticket, new_passcode=PASSCODE)
        answer = counter.bring(ticket.operation, step)
        assert isinstance(answer, NextTicket)
        ticket = answer
    return db.session.scalars(select(CardOperation).filter_by(public_id=ticket.operation)).one()


def give_up(counter: Counter, operation: CardOperation, **more: Any) -> None:
    assert counter.actor is not None
    assert operation.person is not None
    assert operation.card_id is not None
    lost_cards.give_up(
        counter.actor,
        operation.person.uuid,
        operation.card_id,
        **{
            "reason": CancelReason.LOST,
            "note": "",
            "browser": counter.page.browser,
            "now": counter.now,
            **more,
        },
    )


def listed(counter: Counter, person: Person) -> list[tuple[CardService, str]]:
    later = counter.now + timedelta(days=30)
    return [(each.service, each.number) for each in standing.of_person(person.id, now=later)]


def events(card: Card) -> list[tuple[str, Outcome, str | None]]:
    rows = db.session.scalars(
        select(AuditEvent).where(AuditEvent.subject_card_id == card.id).order_by(AuditEvent.id)
    )
    return [(row.event, row.outcome, row.facts.get("reason")) for row in rows]


@pytest.mark.both_databases
def test_a_card_lost_half_issued_is_cancelled_and_its_secrets_are_kept(
    counter: Counter, holder: Person
) -> None:
    operation = half_issued(counter, holder)
    card = operation.card
    assert card is not None
    counter.put_in(name="two")
    new = counter.issue(holder)
    # The older one does not vanish because a newer one was issued
    assert listed(counter, holder) == [(CardService.ISSUE, card.number)]
    kept = (card.management_key_sealed, card.puk_pending_sealed)
    counter.sign_in_agent(holder.organisation)
    give_up(counter, operation, note="Left on the bus")
    assert (card.status, card.person_id) == (CardStatus.CANCELLED, holder.id)
    assert {each.status for each in card.certificates} == {CertificateStatus.REVOKED}
    assert {each.revocation_reason for each in card.certificates} == {"key-compromise"}
    assert (card.management_key_sealed, card.puk_pending_sealed) == kept
    assert operation.state is OperationState.ABANDONED
    assert events(card)[-2:] == [
        ("card.issue", Outcome.FAILED, "abandoned"),
        ("card.cancelled", Outcome.DONE, "lost"),
    ]
    assert listed(counter, holder) == []
    assert not giving_up.stands(holder)
    assert list(card_check.check(counter.now + timedelta(days=30))) == []
    db.session.refresh(new)
    assert new.status is CardStatus.ISSUED


@pytest.mark.parametrize("answers", [0, 1, 2, 3, 4])
def test_a_card_that_turns_up_is_found_and_erased(
    counter: Counter, holder: Person, answers: int
) -> None:
    operation = half_issued(counter, holder, answers)
    card = operation.card
    assert card is not None
    put_in_again(counter)
    agent = counter.sign_in_agent(holder.organisation)
    give_up(counter, operation)
    reading = counter.page.read_card(counter.reader)
    shown = presented_cards.presented(reading, issuer=counter.office.issuer, now=counter.now)
    found = second_reader.look(agent, shown, office=counter.office, now=counter.now)
    if reading["guid"] == card.guid:
        assert (found.what, found.card) == (SecondCard.HELD, card)
        done = erased(counter, card)
        assert done.facts == {"left": [], "reusable": True}
    else:  # nothing was written to it yet: it is as its factory made it
        assert found.what is SecondCard.BLANK
    counter.actor = None
    put_in_again(counter)
    counter.issue(a_person())


@pytest.mark.parametrize("done", [1, 2, 3])
def test_an_erasing_of_a_lost_card_ends_and_goes_on_when_it_turns_up(
    counter: Counter, holder: Person, done: int
) -> None:
    card = cancelled(counter, holder)
    first = start(counter, card)
    if done == 3:
        second = counter.bring(first.operation, counter.page.step(first))
        assert isinstance(second, NextTicket)
        counter.page.step(second)  # emptied, and its answer is lost
    else:
        steps(counter, first, done)
    put_in_again(counter)
    operation = db.session.scalars(select(CardOperation).filter_by(public_id=first.operation)).one()
    kept = (card.management_key_sealed, card.puk_sealed)
    give_up(counter, operation, reason=CancelReason.DAMAGED)
    assert listed(counter, holder) == []
    assert card.status is CardStatus.CANCELLED
    assert (card.management_key_sealed, card.puk_sealed) == kept
    assert events(card)[-1] == ("card.erase", Outcome.FAILED, "damaged")
    assert list(card_check.check(counter.now + timedelta(days=30))) == []
    assert may_be(card, None, None) == (done > 0)
    assert isinstance(counter.run(start(counter, card)), Finished)
    assert lost.sent_before(card) == {}
    counter.actor = None
    put_in_again(counter)
    counter.issue(a_person())


def test_an_erasing_of_a_half_issued_card_that_is_lost_cancels_it(
    counter: Counter, holder: Person
) -> None:
    operation = half_issued(counter, holder)
    card = operation.card
    assert card is not None
    put_in_again(counter)
    counter.sign_in_agent(holder.organisation)
    first = start(counter, card)
    steps(counter, first, 2)
    erasing = db.session.scalars(select(CardOperation).filter_by(public_id=first.operation)).one()
    give_up(counter, erasing)
    assert (card.status, card.person_id) == (CardStatus.CANCELLED, holder.id)
    assert listed(counter, holder) == []
    put_in_again(counter)
    assert isinstance(counter.run(start(counter, card)), Finished)
    counter.actor = None
    put_in_again(counter)
    counter.issue(a_person())


def test_whoever_presses_twice_has_done_it_once(counter: Counter, holder: Person) -> None:
    operation = half_issued(counter, holder)
    assert operation.card is not None
    counter.sign_in_agent(holder.organisation)
    give_up(counter, operation)
    before = events(operation.card)
    give_up(counter, operation, reason=CancelReason.DAMAGED)
    assert events(operation.card) == before
    assert operation.facts["lost"] == "lost"


def test_a_result_that_comes_late_changes_nothing(counter: Counter, holder: Person) -> None:
    operation = half_issued(counter, holder, 2)
    put_in_again(counter)
    ticket = counter.start_issue(holder)
    late = counter.page.step(ticket, new_passcode=PASSCODE)
    counter.sign_in_agent(holder.organisation)
    give_up(counter, operation)
    with pytest.raises(OperationOver):
        counter.bring(ticket.operation, late)
    db.session.rollback()
    assert operation.card is not None
    assert operation.card.status is CardStatus.CANCELLED


def test_a_card_that_was_finished_meanwhile_is_not_given_up(
    counter: Counter, holder: Person
) -> None:
    operation = half_issued(counter, holder, 2)
    put_in_again(counter)
    assert isinstance(counter.run(counter.start_issue(holder), new_passcode=PASSCODE), Finished)
    counter.sign_in_agent(holder.organisation)
    with pytest.raises(OperationOver):
        give_up(counter, operation)
    db.session.rollback()
    assert operation.card is not None
    assert operation.card.status is CardStatus.ISSUED


def test_a_card_at_which_somebody_is_at_work_is_not_lost(counter: Counter, holder: Person) -> None:
    operation = half_issued(counter, holder, 2)
    counter.sign_in_agent(holder.organisation)
    with pytest.raises(CardInHand):
        give_up(counter, operation, browser="another")
    db.session.rollback()
    long_ago = counter.now - timedelta(hours=1)
    db.session.execute(update(CardOperation).values(updated_at=long_ago))
    db.session.commit()
    give_up(counter, operation, browser="another")
    assert listed(counter, holder) == []


def test_only_agents_who_reach_the_person_give_it_up(counter: Counter, holder: Person) -> None:
    operation = half_issued(counter, holder)
    counter.sign_in_agent(an_organisation(), name="another")
    with pytest.raises(NotFound):
        give_up(counter, operation)
    counter.sign_in_agent(holder.organisation, Role.SPONSOR, name="sponsor")
    with pytest.raises(NotAllowed):
        give_up(counter, operation)
    agent = counter.sign_in_agent(holder.organisation)
    operation.person_id = agent.person_id
    db.session.commit()
    with pytest.raises(NotAllowed, match="own-card"):
        give_up(counter, operation)


def test_nothing_else_is_given_up_so(counter: Counter, holder: Person) -> None:
    counter.put_in()
    card = counter.issue(holder)
    agent = counter.sign_in_agent(holder.organisation)
    with pytest.raises(OperationOver):
        lost_cards.standing(agent, holder.uuid, card.id, now=counter.now)
    with pytest.raises(NotFound):
        lost_cards.standing(agent, holder.uuid, card.id + 1000, now=counter.now)
