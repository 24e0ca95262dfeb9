"""Issuing never uses up the PUK of a card, however often and wherever it is cut."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.card_operations import issue
from app.card_operations.answers import Answer, CardAnswered, NextTicket
from app.card_operations.refusals import CardNotBlank
from app.extensions import db
from app.models import Card, Person
from reader_bridge.contract import Algorithm
from reader_bridge.virtual.behaviour import Tear, named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_issue import must_be_issued, put_in_again

CUTS = 7  # in a row: more than twice the tries
# Three tries, which no reset and no setting gives back
MAKES = {
    name: replace(named(name), retry_counts_settable=False, resettable=False)
    for name in ("no-metadata", "fixed-counts")
}


def before_the_puk(counter: Counter, holder: Person) -> NextTicket:
    """The card has its management key; the ticket that changes its PUK is out."""
    ticket = counter.start_issue(holder)
    for _ in range(2):
        answer = counter.bring(ticket.operation, counter.page.step(ticket))
        assert isinstance(answer, NextTicket)
        ticket = answer
    return ticket


def cut(counter: Counter, holder: Person, at: int | None, *, takes_effect: bool) -> Answer:
    """Go on, with the card torn out at a command of the bridge. It is put in again."""
    blank = counter.page.blank_card(counter.reader)
    chip = counter.chip()
    chip.behaviour = replace(chip.behaviour, tear=Tear(at, takes_effect) if at else None)
    chip.save()
    put_in_again(counter)
    first = issue.start(
        holder,
        blank,
        algorithm=Algorithm.ES256,
        actor=None,
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(),
    )
    answer = counter.run(first, new_passcode=PASSCODE)
    chip = counter.chip()
    chip.behaviour = replace(chip.behaviour, tear=None)
    chip.save()
    put_in_again(counter)
    return answer


@pytest.mark.parametrize("lost", ["ticket lost", "answer lost"])
@pytest.mark.parametrize("make", sorted(MAKES))
@pytest.mark.parametrize("at", [5, 6, 7, 8, 9])
def test_any_number_of_cuts_at_one_place_leaves_the_puk_usable(
    counter: Counter, holder: Person, make: str, at: int, lost: str
) -> None:
    counter.put_in(MAKES[make])
    ticket = before_the_puk(counter, holder)
    if lost == "answer lost":
        counter.page.step(ticket, new_passcode=PASSCODE)
    put_in_again(counter)
    for _ in range(CUTS):
        answer = cut(counter, holder, at, takes_effect=True)
        assert isinstance(answer, CardAnswered)
        assert answer.code == "card-removed"
        assert counter.chip().puk.left >= 2
    must_be_issued(counter, counter.issue(holder))


def test_a_card_that_does_not_have_our_management_key_was_not_sent_our_puk(
    counter: Counter, holder: Person
) -> None:
    """Our key is tried first, and the ticket that tries it is the one that changes the PUK."""
    counter.put_in(MAKES["no-metadata"])
    ticket = counter.start_issue(holder)
    answer = counter.bring(ticket.operation, counter.page.step(ticket))
    assert isinstance(answer, NextTicket)  # our key is on its way, and never arrives
    put_in_again(counter)
    answer = counter.start_issue(holder)
    for _ in ("open", "secure"):
        assert isinstance(answer, NextTicket)
        body = counter.page.step(answer, new_passcode=PASSCODE)
        answer = counter.bring(answer.operation, body)
    assert isinstance(answer, NextTicket)
    card = db.session.scalars(select(Card)).one()
    assert card.puk_sent == 0
    counter.run(answer, new_passcode=PASSCODE)
    must_be_issued(counter, card)


def test_a_puk_that_is_known_to_be_ours_is_not_tried_with_the_factorys_again(
    counter: Counter, holder: Person
) -> None:
    """The keys are cut time and again: each time the way leads past the PUK."""
    counter.put_in(MAKES["no-metadata"])
    ticket = before_the_puk(counter, holder)
    counter.bring(ticket.operation, counter.page.step(ticket, new_passcode=PASSCODE))
    put_in_again(counter)
    for _ in range(CUTS):
        cut(counter, holder, 7, takes_effect=True)
        assert counter.chip().puk.left == 3
    must_be_issued(counter, counter.issue(holder))


def test_a_puk_of_somebody_else_is_tried_twice_and_no_more(
    counter: Counter, holder: Person
) -> None:
    counter.put_in(MAKES["no-metadata"])
    chip = counter.chip()
    chip.puk.value = b"87654321"
    chip.save()
    put_in_again(counter)
    for way in (None, "new-card"):
        answer = counter.run(counter.start_issue(holder), new_passcode=PASSCODE)
        assert isinstance(answer, CardAnswered)
        assert (answer.code, answer.facts.get("way")) == ("puk-refused", way)
    for _ in range(2):
        put_in_again(counter)
        with pytest.raises(CardNotBlank):
            counter.run(counter.start_issue(holder), new_passcode=PASSCODE)
    assert counter.chip().puk.left == 1
