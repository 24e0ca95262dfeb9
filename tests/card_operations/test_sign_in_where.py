"""Where somebody signs in: at a PC that is not blocked, in the browser whose bridge said hello."""

from datetime import timedelta

import pytest

from app.card_operations.refusals import ConnectionUnknown, WorkstationBlocked
from app.domain.statuses import WorkstationStatus
from app.models import Card, Person
from app.services import sign_in
from tests.card_operations.conftest import Counter


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    return counter.issue(holder)


def test_a_blocked_pc_gets_no_ticket(counter: Counter, card: Card) -> None:
    counter.introduce(WorkstationStatus.BLOCKED)
    with pytest.raises(WorkstationBlocked):
        counter.start_sign_in(card)


def test_a_connection_belongs_to_one_browser_and_is_forgotten_after_12_hours(
    counter: Counter, card: Card
) -> None:
    at = counter.at_the_bridge()
    later = counter.now + timedelta(hours=12)
    for changed, now in (({"browser": "f" * 64}, counter.now), ({}, later)):
        with pytest.raises(ConnectionUnknown):
            sign_in.start(guid=card.guid, office=counter.office, now=now, **(at | changed))
