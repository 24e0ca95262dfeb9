"""How often a renewal turns to the database: somebody waits for each of its five requests."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.card_operations import renew
from app.card_operations.answers import Answer, Finished
from app.extensions import db
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.people import a_person
from tests.parts.renewing import expiring

Counting = Callable[[], AbstractContextManager[list[str]]]

# On PostgreSQL; what locks the card is not needed where nobody else can write
START, STEPS = 10, [10, 12, 12, 18]
LOCKS, LOCKS_OF_A_STEP = 2, 1


@pytest.mark.both_databases
def test_a_renewal_asks_the_database_no_more_than_it_must(
    counter: Counter, count_queries: Counting
) -> None:
    counter.put_in()
    card = expiring(counter, counter.issue(a_person(email="ada@hospital.test")))
    actor, guid = counter.sign_in(card), card.guid
    counted = []

    def bring(operation: str, body: dict[str, Any]) -> Answer:
        db.session.remove()  # a request knows nothing of the one before it
        with count_queries() as queries:
            answer = counter.bring(operation, body)
        counted.append(len(queries))
        return answer

    db.session.remove()
    where = {"office": counter.office, "now": counter.now, **counter.at_the_bridge()}
    with count_queries() as queries:
        first = renew.start_own(actor, guid=guid, **where)
    assert isinstance(counter.page.run(first, bring, passcode=PASSCODE), Finished)
    spared = db.engine.dialect.name == "sqlite"
    assert len(queries) == START - LOCKS * spared
    assert counted == [each - LOCKS_OF_A_STEP * spared for each in STEPS]
