"""A card whose issue was cut off is given up at an agent's: erased, and blank for anybody."""

from typing import Any

import pytest

from app.card_operations import erase
from app.card_operations.answers import Finished, NextTicket
from app.domain.errors import NotAllowed, NotFound
from app.domain.roles import Role
from app.extensions import db
from app.models import CardOperation, Person
from app.services import giving_up, second_reader
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_erase import put_in_again
from tests.parts.people import a_person, an_organisation


@pytest.fixture
def begun(counter: Counter, holder: Person) -> CardOperation:
    """An issue that was cut off half way, and an agent signed in."""
    counter.put_in()
    ticket = counter.start_issue(holder)
    for _ in range(3):
        answer = counter.bring(ticket.operation, counter.page.step(ticket, new_passcode=PASSCODE))
        assert isinstance(answer, NextTicket)
        ticket = answer
    put_in_again(counter)
    counter.sign_in_agent(holder.organisation)
    return db.session.query(CardOperation).filter_by(public_id=ticket.operation).one()


def start(counter: Counter, person: Person) -> NextTicket:
    assert counter.actor is not None
    reading: dict[str, Any] = counter.page.read_card(counter.reader)
    return giving_up.start(
        counter.actor,
        person.uuid,
        guid=reading["guid"],
        serial=reading["serial"],
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(),
    )


def test_a_card_that_was_begun_is_erased_and_issued_to_somebody_else(
    counter: Counter, begun: CardOperation, holder: Person
) -> None:
    done = counter.run(start(counter, holder))
    assert isinstance(done, Finished)
    assert counter.actor is not None
    row = second_reader.done_by(counter.actor, done.operation)
    assert second_reader.done_facts(row, now=counter.now)["holder"] == holder
    counter.actor = None
    assert counter.issue(a_person()).person != holder


def test_an_erasing_that_was_cut_is_found_again_by_the_empty_card(
    counter: Counter, begun: CardOperation, holder: Person
) -> None:
    first = start(counter, holder)
    second = counter.bring(first.operation, counter.page.step(first))
    assert isinstance(second, NextTicket)
    counter.page.step(second)  # emptied, and its answer is lost
    put_in_again(counter)
    assert counter.page.read_card(counter.reader)["guid"] is None
    found = giving_up.begun_with(holder, None)
    assert found is not None
    assert (found.kind, found.public_id) == (erase.KIND, first.operation)
    assert isinstance(counter.run(start(counter, holder)), Finished)
    assert giving_up.begun_with(holder, None) is None


def test_a_card_that_was_begun_for_somebody_else_is_not_found(
    counter: Counter, begun: CardOperation, holder: Person
) -> None:
    with pytest.raises(NotFound):
        start(counter, a_person(organisation=holder.organisation))


def test_only_agents_who_reach_the_person_give_a_card_up(
    counter: Counter, begun: CardOperation, holder: Person
) -> None:
    counter.sign_in_agent(an_organisation(), name="another")
    with pytest.raises(NotFound):
        start(counter, holder)
    counter.sign_in_agent(holder.organisation, Role.SPONSOR, name="sponsor")
    with pytest.raises(NotAllowed):
        start(counter, holder)
