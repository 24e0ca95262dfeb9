"""Another card from the same pile is put in where one was cut off: neither loses what opens it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.card_operations import erased, issue, sealed
from app.card_operations.answers import Finished, NextTicket
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import Conflict
from app.extensions import db
from app.models import Card, CardOperation, Person
from app.services import card_check, giving_up
from reader_bridge.virtual.behaviour import named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_erase import (
    cancelled,
    must_be_blank,
    must_be_issuable,
    put_in_again,
    shown,
    start,
    steps,
)
from tests.card_operations.test_giving_up import start as given_up

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


# Erasing


def cut_before_it_was_erased(counter: Counter, card: Card) -> NextTicket:
    """The ticket that gives the key back is out, and the card is pulled before it does anything."""
    ticket = steps(counter, start(counter, card), 1)
    assert ticket is not None
    assert counter.chip().management_key == key_kept(counter, card)
    return ticket


def key_kept(counter: Counter, card: Card) -> bytes:
    db.session.refresh(card)
    return sealed.management_key(counter.office.vault, card).key


def must_still_be_erasable(counter: Counter, card: Card) -> None:
    """The first card, which has its own key and PUK, is erased as if nothing had been."""
    put_in_again(counter)
    assert shown(counter) == card.guid
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished)
    assert done.facts == {"left": [], "reusable": True}
    must_be_blank(counter, card)
    assert erased.is_done(card)
    must_be_issuable(counter)


@pytest.mark.parametrize("make", ["default", "no-chuid", "token"])
def test_a_blank_card_with_another_serial_number_is_not_taken_for_the_one_being_erased(
    counter: Counter, holder: Person, make: str
) -> None:
    card = cancelled(counter, holder, make)
    cut_before_it_was_erased(counter, card)
    counter.put_in(make, "two", serial=4712)
    with pytest.raises(Conflict, match="another-chip"):
        start(counter, card)
    assert key_kept(counter, card) == counter.chip().management_key
    must_still_be_erasable(counter, card)


@pytest.mark.parametrize("make", [*ALIKE, "no-serial"])
def test_what_opens_a_card_stays_when_another_one_was_erased_in_its_place(
    counter: Counter, holder: Person, make: str
) -> None:
    behaviour = ALIKE.get(make) or named(make)
    card = cancelled(counter, holder, behaviour)
    puk = counter.chip().puk.value
    cut_before_it_was_erased(counter, card)
    counter.put_in(behaviour, "two")
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished)
    assert done.facts == {"left": [], "reusable": True, "kept": True}
    assert key_kept(counter, card) == counter.chip().management_key
    assert sealed.current_puk(counter.office.vault, card).encode() == puk
    assert erased.is_done(card)
    must_still_be_erasable(counter, card)


def test_a_card_whose_serial_number_is_not_told_is_not_known_by_it(
    counter: Counter, holder: Person
) -> None:
    card = cancelled(counter, holder, "no-chuid")
    cut_before_it_was_erased(counter, card)
    counter.put_in(ALIKE["no serial, no CHUID"], "two")
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished)
    assert done.facts["kept"]
    must_still_be_erasable(counter, card)


@pytest.mark.parametrize("make", ALIKE)
def test_an_erasing_whose_answer_is_lost_is_finished_also_where_nothing_tells_the_card(
    counter: Counter, holder: Person, make: str
) -> None:
    card = cancelled(counter, holder, ALIKE[make])
    counter.page.step(cut_before_it_was_erased(counter, card))
    put_in_again(counter)
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished)
    assert done.facts == {"left": [], "reusable": True, "kept": True}
    assert erased.is_done(card)
    chip = counter.chip()
    assert chip.management_key == chip.behaviour.factory_management_key
    assert chip.puk.value == b"12345678"
    must_be_issuable(counter)


def test_a_card_that_opened_with_its_own_key_is_forgotten_whatever_is_put_in_afterwards(
    counter: Counter, holder: Person
) -> None:
    card = cancelled(counter, holder, ALIKE["no serial, no CHUID"])
    assert steps(counter, start(counter, card), 2) is not None  # emptied, and that was heard
    put_in_again(counter)
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished)
    assert "kept" not in done.facts
    must_be_blank(counter, card)


def test_a_half_emptied_card_is_erased_after_another_was_taken_for_it(
    counter: Counter, holder: Person
) -> None:
    behaviour = ALIKE["no serial, no CHUID"]
    card = cancelled(counter, holder, behaviour)
    ticket = cut_before_it_was_erased(counter, card)
    key = key_kept(counter, card)
    counter.page.step(ticket)
    chip = counter.chip()  # it was pulled between the last two commands
    chip.management_key = key
    chip.save()
    counter.put_in(behaviour, "two")
    assert isinstance(counter.run(start(counter, card)), Finished)
    put_in_again(counter)
    assert shown(counter) is None
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished)
    assert done.facts == {"left": [], "reusable": True}
    must_be_blank(counter, card)


# An issue that is given up


def begun_and_cut_while_it_is_erased(counter: Counter, holder: Person) -> Card:
    ticket = issued_up_to(counter, counter.start_issue(holder), 3)
    put_in_again(counter)
    counter.sign_in_agent(holder.organisation)
    assert steps(counter, given_up(counter, holder), 1) is not None
    begun = db.session.query(CardOperation).filter_by(public_id=ticket.operation).one()
    assert begun.kind == issue.KIND
    assert begun.card is not None
    return begun.card


def test_a_half_issued_card_is_not_forgotten_for_one_with_another_serial_number(
    counter: Counter, holder: Person
) -> None:
    counter.put_in("no-chuid")
    card = begun_and_cut_while_it_is_erased(counter, holder)
    counter.put_in("no-chuid", "two", serial=4712)
    assert giving_up.begun_with(holder, None, "4712") is None
    put_in_again(counter)
    assert isinstance(counter.run(given_up(counter, holder)), Finished)
    must_be_blank(counter, card)


def test_a_half_issued_card_is_given_up_after_another_was_taken_for_it(
    counter: Counter, holder: Person
) -> None:
    behaviour = ALIKE["no serial, no CHUID"]
    counter.put_in(behaviour)
    card = begun_and_cut_while_it_is_erased(counter, holder)
    counter.put_in(behaviour, "two")
    done = counter.run(given_up(counter, holder))
    assert isinstance(done, Finished)
    assert done.facts["kept"]
    assert list(card_check.check(counter.now + timedelta(days=30))) == []
    put_in_again(counter)
    assert shown(counter) == card.guid
    assert isinstance(counter.run(given_up(counter, holder)), Finished)
    must_be_blank(counter, card)
    must_be_issuable(counter)


def test_a_card_is_not_forgotten_that_refused_its_makers_key(
    counter: Counter, holder: Person
) -> None:
    card = cancelled(counter, holder)
    chip = counter.chip()
    chip.behaviour = replace(chip.behaviour, management_key_settable=False)
    chip.save()
    put_in_again(counter)
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished)
    assert done.facts == {"left": ["9b"], "reusable": False, "kept": True}
    assert key_kept(counter, card) == counter.chip().management_key
