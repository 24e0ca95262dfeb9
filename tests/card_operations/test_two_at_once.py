"""Two people at one card, and one person in two tabs: one wins, the other is told."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.card_operations import change_passcode, hello, journal, renew, unlock
from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.refusals import CardInHand, OtherAnswer, StepPassed
from app.cli.bridge_page import BridgePage
from app.domain.principal import Principal
from app.domain.roles import Role
from app.domain.statuses import OperationState, WorkstationStatus
from app.extensions import db
from app.models import Card, CardOperation, Person
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.at_once import at_once
from tests.parts.bridge import ORIGIN
from tests.parts.renewing import an_agent, expiring, start_renewal

pytestmark = pytest.mark.both_databases

Start = Callable[[], NextTicket]


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """A card in the window, in the reader."""
    counter.put_in()
    return expiring(counter, counter.issue(holder))


@pytest.fixture
def at_another_pc(counter: Counter, another_page: Callable[[], BridgePage]) -> dict[str, Any]:
    """Who brings what from another browser, introduced and trusted."""
    page = another_page()
    connection = hello.receive(page.hello, origin=ORIGIN, browser=page.browser, now=counter.now)
    connection.workstation.status = WorkstationStatus.ENROLLED
    db.session.commit()
    return {"sid": page.sid, "seat": counter.seat, "browser": page.browser}


def starts(counter: Counter, agent: Principal, card: Card, at: dict[str, Any]) -> Start:
    """An agent's renewal, begun in a request of its own."""
    card_id, office, now = card.id, counter.office, counter.now
    return lambda: renew.start_for(
        agent, db.session.get_one(Card, card_id), office=office, now=now, **at
    )


def one_wins(app: Flask, *actions: Start) -> None:
    """Of those who begin at the same moment one gets a ticket, and all others are told."""
    coming = iter(actions)
    db.session.commit()
    outcomes = at_once(app, len(actions), lambda: next(coming)())
    tickets = [each for each in outcomes if isinstance(each, NextTicket)]
    told = [each for each in outcomes if isinstance(each, CardInHand)]
    assert (len(tickets), len(told)) == (1, len(actions) - 1), outcomes
    db.session.expire_all()
    open_now = select(func.count()).where(
        CardOperation.kind.in_((renew.KIND, unlock.KIND)),
        CardOperation.state == OperationState.OPEN,
    )
    assert db.session.scalar(open_now) == 1


def test_of_two_agents_who_renew_one_card_one_wins(
    app: Flask, counter: Counter, holder: Person, card: Card, at_another_pc: dict[str, Any]
) -> None:
    one, another = (an_agent(Role.RA_AGENT, holder, counter.now) for _ in range(2))
    here = counter.at_the_bridge()
    one_wins(app, starts(counter, one, card, here), starts(counter, another, card, at_another_pc))


def test_of_an_agent_who_renews_and_one_who_unlocks_one_wins(
    app: Flask, counter: Counter, holder: Person, card: Card, at_another_pc: dict[str, Any]
) -> None:
    one, another = (an_agent(Role.RA_AGENT, holder, counter.now) for _ in range(2))
    card_id, office, now = card.id, counter.office, counter.now
    one_wins(
        app,
        starts(counter, one, card, counter.at_the_bridge()),
        lambda: unlock.start_assisted(
            another, db.session.get_one(Card, card_id), office=office, now=now, **at_another_pc
        ),
    )


def test_of_a_holder_and_an_agent_who_renew_one_card_one_wins(
    app: Flask, counter: Counter, holder: Person, card: Card, at_another_pc: dict[str, Any]
) -> None:
    counter.sign_in(card)
    agent = an_agent(Role.RA_AGENT, holder, counter.now)
    own, here, office, now = counter.actor, counter.at_the_bridge(), counter.office, counter.now
    assert own is not None
    one_wins(
        app,
        lambda: renew.start_own(own, guid=None, office=office, now=now, **here),
        starts(counter, agent, card, at_another_pc),
    )


def test_who_was_told_may_begin_when_the_other_has_finished(
    counter: Counter, holder: Person, card: Card, at_another_pc: dict[str, Any]
) -> None:
    counter.sign_in(card)
    agent = an_agent(Role.RA_AGENT, holder, counter.now)
    mine = start_renewal(counter, card)
    again = starts(counter, agent, card, at_another_pc)
    with pytest.raises(CardInHand):
        again()
    assert isinstance(counter.run(mine, passcode=PASSCODE), Finished)
    unlocking = unlock.start_assisted(
        agent, card, office=counter.office, now=counter.now, **at_another_pc
    )
    assert isinstance(unlocking, NextTicket)


def test_what_stands_still_is_not_gone_on_with_while_somebody_else_is_at_the_card(
    counter: Counter, holder: Person, card: Card, at_another_pc: dict[str, Any]
) -> None:
    counter.sign_in(card)
    assert counter.actor is not None
    begun = change_passcode.start(
        counter.actor, guid=None, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    counter.bring(begun.operation, {"step": begun.step, "error": {"code": "no-card"}})
    starts(counter, an_agent(Role.RA_AGENT, holder, counter.now), card, at_another_pc)()
    with pytest.raises(CardInHand):
        counter.ticket(begun.operation)


def test_of_two_tabs_the_newer_wins_and_the_older_is_told(counter: Counter, card: Card) -> None:
    counter.sign_in(card)
    older = start_renewal(counter, card)
    body = counter.page.step(older, passcode=PASSCODE)
    newer = start_renewal(counter, card)
    assert newer.operation == older.operation
    with pytest.raises(StepPassed):
        counter.bring(older.operation, body)
    assert isinstance(counter.run(newer, passcode=PASSCODE), Finished)


def test_a_result_that_comes_twice_at_once_counts_once(
    app: Flask, counter: Counter, card: Card
) -> None:
    counter.sign_in(card)
    ticket = start_renewal(counter, card)
    body = counter.page.step(ticket, passcode=PASSCODE)
    actor, browser, office, now = counter.actor, counter.page.browser, counter.office, counter.now
    db.session.commit()
    answers = at_once(
        app,
        2,
        lambda: journal.result(
            ticket.operation, body, browser=browser, actor=actor, office=office, now=now
        ),
    )
    one, other = answers
    assert isinstance(one, NextTicket), answers
    assert one == other
    db.session.expire_all()
    assert isinstance(counter.run(one), Finished)


def test_of_two_different_answers_to_one_step_the_second_is_refused(
    counter: Counter, card: Card
) -> None:
    counter.sign_in(card)
    assert counter.actor is not None
    ticket = change_passcode.start(
        counter.actor, guid=None, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    gone = {"step": ticket.step, "error": {"code": "no-card"}}
    assert isinstance(counter.bring(ticket.operation, gone), CardAnswered)
    with pytest.raises(OtherAnswer):
        counter.bring(ticket.operation, counter.page.step(ticket, passcode=PASSCODE))
