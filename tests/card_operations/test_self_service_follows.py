"""What follows for self-service from what a card has done: a passcode shown, a card unlocked."""

from datetime import datetime

import pytest
from sqlalchemy import select

from app.card_operations import register
from app.card_operations.answers import Finished
from app.domain.one_time_code import Purpose
from app.domain.self_service import Change
from app.extensions import db
from app.models import Card, OneTimeCode, Person, SelfService
from app.services import one_time_codes, self_service
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_service_centre import allow, proven
from tests.card_operations.test_unlock import as_page, issued, lock, unlocked
from tests.parts.self_service import registered

DRAWN = ["first-film", "first-dish", "best-holiday"]


@pytest.fixture
def locked(counter: Counter, holder: Person) -> Card:
    """The locked card of a registered holder who has failed twice, with a code on its way."""
    card = issued(counter, holder)
    registered(holder, counter.now, failed_attempts=2, attempted_at=counter.now, asked=DRAWN)
    prepared = one_time_codes.prepare(holder.id, Purpose.UNLOCK, counter.now)
    one_time_codes.send(
        prepared, holder, Purpose.UNLOCK, to="a@nhs.net", actor=None, now=counter.now
    )
    db.session.commit()
    lock(counter, card)
    return card


def kept() -> tuple[int, list[str] | None, datetime | None]:
    row = db.session.scalars(select(SelfService).execution_options(populate_existing=True)).one()
    return row.failed_attempts, row.asked, row.blocked_at


def unlock_alone(counter: Counter) -> None:
    counter.actor = None
    answer = as_page(counter, counter.ticket(allow(counter, proven(counter))))
    assert isinstance(answer, Finished), answer


def test_whoever_unlocks_their_own_card_begins_from_nothing_the_next_time(
    counter: Counter, locked: Card
) -> None:
    unlock_alone(counter)
    assert kept() == (0, None, None)
    assert db.session.scalars(select(OneTimeCode.ended_by)).one() == "given-up"


def test_a_block_that_came_meanwhile_stays_until_it_is_lifted(
    counter: Counter, locked: Card
) -> None:
    counter.actor = None
    operation = allow(counter, proven(counter))
    row = db.session.scalars(select(SelfService)).one()
    row.failed_attempts, row.blocked_at = 3, locked.modified_at
    db.session.commit()
    assert isinstance(as_page(counter, counter.ticket(operation)), Finished)
    assert kept()[:2] == (3, DRAWN)
    assert kept()[2] is not None


def test_an_agent_s_help_says_nothing_about_the_answers(counter: Counter, locked: Card) -> None:
    unlocked(counter, locked)
    assert kept() == (2, DRAWN, None)


def test_the_passcode_opens_the_change_for_this_session_alone(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    card = counter.issue(holder)
    actor = counter.sign_in(card)
    self_service.begin(actor, Change.REGISTER, counter.now)
    show_passcode(counter, card)
    draft = self_service.draft_of(actor, Change.REGISTER)
    assert draft is not None
    assert draft.proven
    again = self_service.draft_of(counter.sign_in(card), Change.REGISTER)
    assert again is not None
    assert not again.proven


def test_a_late_answer_of_the_card_begins_nothing(counter: Counter, holder: Person) -> None:
    counter.put_in()
    card = counter.issue(holder)
    actor = counter.sign_in(card)
    show_passcode(counter, card)
    assert self_service.draft_of(actor, Change.REGISTER) is None


def show_passcode(counter: Counter, card: Card) -> None:
    assert counter.actor is not None
    ticket = register.start(
        counter.actor, Change.REGISTER, guid=card.guid, office=counter.office, now=counter.now,
        **counter.at_the_bridge(),
    )  # fmt: skip
    assert isinstance(counter.run(ticket, passcode=PASSCODE), Finished)
