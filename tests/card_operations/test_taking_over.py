"""Going on with an operation elsewhere, one hand at a time; what follows from one that is done."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.card_operations import hello, issue, journal
from app.card_operations.answers import Finished, NextTicket
from app.card_operations.base import WHEN_DONE, Turn, when_done
from app.card_operations.journal import IN_HAND
from app.card_operations.refusals import CardInHand, OperationOver, StepPassed
from app.cli.bridge_page import BridgePage
from app.domain.errors import Conflict
from app.extensions import db
from app.models import Card, CardOperation, OutboxMessage, Person
from app.services import outbox
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import ORIGIN

AnotherPage = Callable[[], BridgePage]


@pytest.fixture
def begun(counter: Counter, holder: Person) -> NextTicket:
    counter.put_in()
    return counter.start_issue(holder)


def row(ticket: NextTicket) -> CardOperation:
    return db.session.scalars(select(CardOperation).filter_by(public_id=ticket.operation)).one()


def take_over(
    counter: Counter, ticket: NextTicket, page: BridgePage, later: timedelta
) -> NextTicket:
    hello.receive(page.hello, origin=ORIGIN, browser=page.browser, now=counter.now)
    return journal.take_over(
        row(ticket), sid=page.sid, seat=counter.seat, browser=page.browser,
        actor=None, office=counter.office, now=counter.now + later,
    )  # fmt: skip


def test_while_somebody_else_is_at_work_on_a_card_nobody_takes_over(
    counter: Counter, begun: NextTicket, another_page: AnotherPage
) -> None:
    page = another_page()
    with pytest.raises(CardInHand) as refusal:
        take_over(counter, begun, page, IN_HAND - timedelta(seconds=10))
    assert row(begun).browser == counter.page.browser
    assert refusal.value.facts["free_at"] == row(begun).updated_at + IN_HAND


def test_who_took_over_goes_on_and_the_earlier_answer_is_refused(
    counter: Counter, begun: NextTicket, another_page: AnotherPage
) -> None:
    body = counter.page.step(begun, new_passcode=PASSCODE)
    page = another_page()
    ticket = take_over(counter, begun, page, IN_HAND + timedelta(seconds=1))
    assert (ticket.operation, ticket.step) == (begun.operation, 2)
    with pytest.raises(StepPassed):
        counter.bring(begun.operation, body, browser=page.browser)


def test_in_the_same_browser_the_newer_page_wins(counter: Counter, begun: NextTicket) -> None:
    body = counter.page.step(begun, new_passcode=PASSCODE)
    assert take_over(counter, begun, counter.page, timedelta(0)).step == 2
    with pytest.raises(StepPassed):
        counter.bring(begun.operation, body)


def test_the_newest_unfinished_operation_of_a_card_is_found_by_its_kind(
    counter: Counter, holder: Person, begun: NextTicket
) -> None:
    card = row(begun).card
    assert card is not None
    assert journal.unfinished(card) is journal.unfinished(card, issue.KIND) is row(begun)
    assert journal.unfinished(card, "sign-in") is None
    done = counter.run(begun, new_passcode=PASSCODE)
    assert isinstance(done, Finished)
    assert journal.unfinished(card) is None
    with pytest.raises(OperationOver):
        take_over(counter, begun, counter.page, timedelta(0))


@pytest.fixture
def follows() -> Iterator[list[Turn]]:
    """Follows every issue: writes a mail, and says no where the test puts a refusal in."""
    told: list[Turn] = []

    @when_done(issue.KIND)
    def follow(turn: Turn) -> None:
        outbox.queue("a@example.com", "contact-details-changed", now=turn.now, at=turn.now)
        if not told:
            told.append(turn)
            raise Conflict("not-today")

    yield told
    WHEN_DONE[issue.KIND].remove(follow)


def test_what_follows_from_an_operation_is_in_its_transaction(
    counter: Counter, begun: NextTicket, follows: list[Turn]
) -> None:
    with pytest.raises(Conflict, match="not-today"):
        counter.run(begun, new_passcode=PASSCODE)
    mails = select(func.count()).select_from(OutboxMessage)
    assert db.session.scalar(mails) == 0
    card = db.session.scalars(select(Card)).one()
    assert card.status == "blank"
    done = counter.run(counter.ticket(begun.operation), new_passcode=PASSCODE)
    assert isinstance(done, Finished)
    assert db.session.scalar(mails) == 1
