"""Whoever works on another person's card goes on only while they may: by the way they began."""

import pytest

from app.card_operations import change_passcode, issue, unlock
from app.card_operations.answers import NextTicket
from app.domain.errors import NotFound
from app.domain.roles import Role
from app.models import Person
from reader_bridge.contract import Algorithm
from tests.card_operations import test_erase, test_repair
from tests.card_operations.conftest import Counter
from tests.card_operations.test_unlock import issued, put_in_again
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
