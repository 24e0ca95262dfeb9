"""Another card from the same pile is put in where one was cut off: neither loses what opens it."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from app.card_operations import sealed
from app.card_operations.answers import Finished, NextTicket
from app.domain.card_lifecycle import CardStatus
from app.extensions import db
from app.models import Card, CardOperation, Person
from reader_bridge.virtual.behaviour import named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_erase import put_in_again

# Blank ones of these cannot be told apart from outside
_ALIKE = replace(named("no-chuid"), has_serial=False)
ALIKE = {
    "no serial, no CHUID": _ALIKE,
    "no metadata": replace(_ALIKE, metadata=False),
    "3DES": replace(_ALIKE, management_algorithm="3DES", retry_counts_settable=False),
}


def issued_up_to(counter: Counter, first: NextTicket, many: int) -> NextTicket:
    ticket = first
    for _ in range(many):
        body = counter.page.step(ticket, new_passcode=PASSCODE)
        answer = counter.bring(ticket.operation, body)
        assert isinstance(answer, NextTicket)
        ticket = answer
    return ticket


@pytest.mark.parametrize("name", ALIKE)
def test_an_issue_does_not_go_on_with_another_card_of_the_same_make(
    counter: Counter, holder: Person, name: str
) -> None:
    counter.put_in(ALIKE[name])
    ticket = issued_up_to(counter, counter.start_issue(holder), 1)
    counter.page.step(ticket, new_passcode=PASSCODE)  # prepared, and its answer is lost
    counter.put_in(ALIKE[name], "two")
    done = counter.run(counter.start_issue(holder), new_passcode=PASSCODE)
    assert isinstance(done, Finished)
    one, two = counter.chip("one"), counter.chip("two")
    assert one.guid != two.guid
    assert one.management_key != two.management_key
    cards = {card.guid: card for card in db.session.scalars(select(Card))}
    for chip in (one, two):
        assert chip.guid is not None
        card = cards[chip.guid.hex()]
        assert sealed.management_key(counter.office.vault, card).key == chip.management_key
    put_in_again(counter)  # the first one is still found by what it shows
    goes_on = counter.start_issue(holder)
    assert goes_on.operation == ticket.operation


def test_a_card_that_looks_like_any_other_is_gone_on_with_until_it_may_have_its_key(
    counter: Counter, holder: Person
) -> None:
    counter.put_in(ALIKE["no serial, no CHUID"])
    first = counter.start_issue(holder)
    put_in_again(counter)
    assert counter.start_issue(holder).operation == first.operation


@pytest.mark.parametrize("make", ["default", "no-chuid", "no-serial"])
def test_a_card_that_tells_which_it_is_is_gone_on_with(
    counter: Counter, holder: Person, make: str
) -> None:
    counter.put_in(make)
    ticket = issued_up_to(counter, counter.start_issue(holder), 1)
    put_in_again(counter)  # before it has done anything
    again = counter.start_issue(holder)
    assert again.operation == ticket.operation
    assert isinstance(counter.run(again, new_passcode=PASSCODE), Finished)
    assert [card.status for card in db.session.scalars(select(Card))] == [CardStatus.ISSUED]


def test_another_card_with_another_serial_number_is_issued_by_itself(
    counter: Counter, holder: Person
) -> None:
    counter.put_in("no-chuid")
    ticket = issued_up_to(counter, counter.start_issue(holder), 1)
    counter.put_in("no-chuid", "two", serial=4712)
    assert counter.start_issue(holder).operation != ticket.operation


def test_what_another_worker_has_just_noted_stays_when_an_issue_is_gone_on_with(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    first = counter.start_issue(holder)
    begun = db.session.query(CardOperation).filter_by(public_id=first.operation).one()
    noted = {**begun.facts, "key_sent": True}
    with db.engine.begin() as another:
        this = CardOperation.id == begun.id
        another.execute(update(CardOperation).where(this).values(facts=noted))
    approved = {"approval": "one"}
    assert counter.start_issue(holder, approved=approved).operation == first.operation
    db.session.refresh(begun)
    assert begun.facts["key_sent"]
    assert begun.facts["approved"] == approved
