"""Which passcode a holder is told to type after a change, whatever they heard of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.card_operations import change_passcode, unlock
from app.card_operations.answers import Answer, CardAnswered, Finished, NextTicket
from app.card_operations.which_passcode import passcode_hint
from app.domain.card_lifecycle import CardEvent
from app.domain.errors import SignInRefused
from app.domain.principal import Principal
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation, Person
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_change_passcode import change, in_the_chip, lose_the_answer, start
from tests.parts.bridge import READER_1

NEW, ANOTHER = "Green815", "Amber362"


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """An issued card whose holder is signed in; its page had read three tries."""
    counter.put_in()
    card = counter.issue(holder)
    sign_in(counter, card)
    return card


def sign_in(counter: Counter, card: Card, passcode: str = PASSCODE) -> Principal:
    return counter.sign_in(card, passcode, tries(counter))


def tries(counter: Counter) -> int:
    left = counter.page.read_card(READER_1)["passcode_left"]
    assert isinstance(left, int)
    return left


def begin(counter: Counter, card: Card) -> NextTicket:
    """The sign-in page reads the card, asks for a passcode as it is told, and gets a ticket."""
    return counter.start_sign_in(card, tries_left=tries(counter))


def typed(counter: Counter, card: Card, passcode: str) -> dict[str, object]:
    """What is told after a passcode that the card refuses at the sign-in page."""
    answer = counter.run(begin(counter, card), passcode=passcode)
    assert isinstance(answer, CardAnswered), answer
    assert answer.code == "wrong-passcode"
    return {name: answer.facts.get(name) for name in ("use", "since") if name in answer.facts}


def told(use: str, row: CardOperation) -> dict[str, object]:
    asked = [step.ticket_at for step in row.steps if step.name == "change"]
    return {"use": use, "since": asked[-1].isoformat()}


def the_change(public_id: str | None = None) -> CardOperation:
    changes = select(CardOperation).where(CardOperation.kind == change_passcode.KIND)
    if public_id is not None:
        changes = changes.where(CardOperation.public_id == public_id)
    return db.session.scalars(changes).one()


class TestAChangeThatIsDone:
    def test_the_new_one_is_named_whatever_sessions_began_since(
        self, counter: Counter, card: Card
    ) -> None:
        assert isinstance(change(counter), Finished)
        assert typed(counter, card, PASSCODE) == told("new", the_change())
        sign_in(counter, card, NEW)  # perhaps the browser never heard of that either
        assert typed(counter, card, PASSCODE) == told("new", the_change())

    def test_it_is_remembered_for_a_day(self, counter: Counter, card: Card) -> None:
        change(counter)
        before = counter.now - timedelta(hours=24, seconds=1)
        db.session.execute(update(CardOperation).values(finished_at=before))
        db.session.commit()
        assert typed(counter, card, PASSCODE) == {}

    def test_another_one_that_did_not_happen_changes_nothing_of_that(
        self, counter: Counter, card: Card
    ) -> None:
        assert isinstance(change(counter), Finished)
        first = the_change()
        again = change(counter, new=ANOTHER)
        assert isinstance(again, CardAnswered)
        assert again.facts == {"left": 2, **told("new", first)}
        assert typed(counter, card, ANOTHER) == told("new", first)

    def test_the_last_of_two_counts(self, counter: Counter, card: Card) -> None:
        assert isinstance(change(counter), Finished)
        first = the_change()
        done = counter.run(start(counter), passcode=NEW, new_passcode=ANOTHER)
        assert isinstance(done, Finished)
        second = the_change(done.operation)
        assert second.started_at > first.started_at
        assert typed(counter, card, NEW) == told("new", second)

    def test_an_unlock_since_sets_another_and_ends_the_guidance(
        self, counter: Counter, card: Card
    ) -> None:
        assert isinstance(change(counter), Finished)
        be_unlocked(counter, card)
        assert typed(counter, card, NEW) == {}

    def test_a_suspended_card_says_the_same(self, counter: Counter, card: Card) -> None:
        assert isinstance(change(counter), Finished)
        ticket = begin(counter, card)
        card.apply(CardEvent.SUSPEND, now=counter.now)
        db.session.commit()
        answer = counter.run(ticket, passcode=PASSCODE)
        assert isinstance(answer, CardAnswered)
        assert answer.facts["use"] == "new"


class TestAChangeInDoubt:
    def test_the_new_one_that_settled_it_unheard_is_found_by_typing_the_old(
        self, counter: Counter, card: Card
    ) -> None:
        operation = lose_the_answer(counter, changed=True)
        sign_in(counter, card, NEW)
        assert passcode_hint(card) is None
        assert typed(counter, card, PASSCODE) == told("other", the_change(operation))

    def test_the_old_one_that_settled_it_unheard_is_found_by_typing_the_new(
        self, counter: Counter, card: Card
    ) -> None:
        operation = lose_the_answer(counter, changed=False)
        sign_in(counter, card, PASSCODE)  # against the words on the page
        assert typed(counter, card, NEW) == told("other", the_change(operation))

    def test_a_confirmation_is_its_holders_word_alone(self, counter: Counter, card: Card) -> None:
        operation = lose_the_answer(counter, changed=False)
        done = counter.run(counter.ticket(operation), passcode=PASSCODE)  # not the new one
        assert isinstance(done, Finished)
        assert typed(counter, card, NEW) == told("other", the_change(operation))

    def test_a_new_one_that_was_refused_for_certain_leaves_the_old(
        self, counter: Counter, card: Card
    ) -> None:
        operation = lose_the_answer(counter, changed=False)
        assert typed(counter, card, NEW) == {"use": "old"}
        assert passcode_hint(card) == "old"
        sign_in(counter, card, PASSCODE)
        assert passcode_hint(card) is None
        assert typed(counter, card, NEW) == told("old", the_change(operation))

    def test_where_both_were_refused_nobody_claims_to_know(
        self, counter: Counter, card: Card
    ) -> None:
        operation = lose_the_answer(counter, changed=True)
        assert typed(counter, card, "typo-001") == {"use": "old"}
        assert typed(counter, card, PASSCODE) == {"use": "old"}
        sign_in(counter, card, NEW)
        assert typed(counter, card, PASSCODE) == told("other", the_change(operation))

    def test_a_page_that_asked_for_nothing_in_particular_says_which_was_not_right(
        self, counter: Counter, card: Card
    ) -> None:
        ticket = begin(counter, card)
        lose_the_answer(counter, changed=True)
        answer = counter.run(ticket, passcode=PASSCODE)
        assert isinstance(answer, CardAnswered)
        assert answer.facts == {"left": 2, "use": "other"}
        assert passcode_hint(card) == "new-then-old"

    def test_a_card_that_was_suspended_settles_nothing(self, counter: Counter, card: Card) -> None:
        lose_the_answer(counter, changed=True)
        ticket = begin(counter, card)
        card.apply(CardEvent.SUSPEND, now=counter.now)
        db.session.commit()
        with pytest.raises(SignInRefused):
            counter.run(ticket, passcode=NEW)
        assert passcode_hint(card) == "new-then-old"

    def test_an_unlock_settles_it(self, counter: Counter, card: Card) -> None:
        operation = lose_the_answer(counter, changed=False)
        be_unlocked(counter, card)
        assert the_change(operation).state is OperationState.ABANDONED
        assert passcode_hint(card) is None
        assert typed(counter, card, NEW) == {}

    def test_a_second_change_puts_it_in_doubt_again(self, counter: Counter, card: Card) -> None:
        operation = lose_the_answer(counter, changed=False)
        assert isinstance(counter.run(counter.ticket(operation), passcode=NEW), CardAnswered)
        assert passcode_hint(card) == "old"
        ticket = counter.ticket(operation)
        assert passcode_hint(card) == "new-then-old"
        unheard_change(counter, ticket)
        assert typed(counter, card, PASSCODE) == {"use": "old"}  # it was asked for the new one
        assert in_the_chip(counter) == NEW
        sign_in(counter, card, NEW)

    def test_a_second_change_that_is_refused_leaves_what_was_known(
        self, counter: Counter, card: Card
    ) -> None:
        operation = lose_the_answer(counter, changed=False)
        counter.run(counter.ticket(operation), passcode=NEW)
        answer = counter.run(counter.ticket(operation), passcode="typo-001", new_passcode=NEW)
        assert isinstance(answer, CardAnswered)
        assert answer.facts == {"left": 1, "use": "old"}
        assert passcode_hint(card) == "old"


def unheard_change(counter: Counter, ticket: NextTicket) -> None:
    result = counter.page.step(ticket, passcode=PASSCODE, new_passcode=NEW)
    assert "results" in result


def be_unlocked(counter: Counter, card: Card) -> None:
    """An agent unlocks the card, and its holder sets one more passcode."""
    agent = counter.sign_in_agent(card.person.organisation, name="unlocking")
    ticket = unlock.start_assisted(
        agent, card, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    done: Answer = counter.run(ticket, new_passcode=ANOTHER)
    assert isinstance(done, Finished), done
