"""Which passcode a holder is told to type where even the refusals were not heard."""

import pytest
from sqlalchemy import select

from app.card_operations import change_passcode
from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.refusals import PasscodeInDoubt
from app.card_operations.which_passcode import Hint, hint_at_sign_in, passcode_hint
from app.domain.principal import Principal
from app.extensions import db
from app.models import Card, CardOperation, Person
from app.services import sign_in as sign_in_service
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_change_passcode import (
    change,
    in_the_chip,
    lose_the_answer,
    start,
)
from tests.card_operations.test_register import start as to_register
from tests.card_operations.test_which_passcode import (
    ANOTHER,
    NEW,
    be_unlocked,
    begin,
    sign_in,
    the_change,
    told,
    tries,
    typed,
)


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """An issued card whose holder is signed in; its page had read three tries."""
    counter.put_in()
    card = counter.issue(holder)
    sign_in(counter, card)
    return card


def unheard(counter: Counter, ticket: NextTicket, passcode: str) -> None:
    """The card does what it is asked, and nobody hears of it."""
    counter.page.step(ticket, passcode=passcode)


class TestTheChipsCounter:
    def test_the_new_one_that_was_refused_unheard_is_not_asked_for_again(
        self, counter: Counter, card: Card
    ) -> None:
        lose_the_answer(counter, changed=False)
        assert passcode_hint(card, tries_left=tries(counter)) == "new-then-old"
        unheard(counter, begin(counter, card), NEW)
        assert passcode_hint(card, tries_left=tries(counter)) == "then-old"
        begin(counter, card)  # and this one never reaches the card
        assert passcode_hint(card, tries_left=tries(counter)) == "then-old"
        unheard(counter, begin(counter, card), PASSCODE)
        assert tries(counter) == 3
        assert passcode_hint(card, tries_left=3) == "then-old"
        sign_in(counter, card, PASSCODE)
        assert passcode_hint(card, tries_left=3) is None

    def test_the_new_one_that_was_taken_unheard_is_asked_for_again(
        self, counter: Counter, card: Card
    ) -> None:
        lose_the_answer(counter, changed=True)
        for _ in range(3):
            unheard(counter, begin(counter, card), NEW)
            assert passcode_hint(card, tries_left=tries(counter)) == "new-then-old"

    def test_whoever_typed_the_other_one_is_sent_back(self, counter: Counter, card: Card) -> None:
        lose_the_answer(counter, changed=True)
        unheard(counter, begin(counter, card), PASSCODE)  # against the words on the page
        assert passcode_hint(card, tries_left=tries(counter)) == "then-old"
        unheard(counter, begin(counter, card), PASSCODE)
        assert passcode_hint(card, tries_left=tries(counter)) == "then-new"
        sign_in(counter, card, NEW)
        assert tries(counter) == 3

    def test_the_other_one_that_is_refused_where_it_was_asked_for_is_told_so(
        self, counter: Counter, card: Card
    ) -> None:
        lose_the_answer(counter, changed=True)
        unheard(counter, begin(counter, card), PASSCODE)
        assert typed(counter, card, PASSCODE) == {"use": "other"}
        assert not card.new_passcode_refused

    def test_what_was_refused_in_the_session_counts_too(self, counter: Counter, card: Card) -> None:
        operation = lose_the_answer(counter, changed=False)
        unheard(counter, counter.ticket(operation), NEW)
        assert passcode_hint(card, tries_left=tries(counter)) == "then-old"

    def test_a_chip_that_does_not_say_is_asked_by_turns(self, counter: Counter, card: Card) -> None:
        lose_the_answer(counter, changed=False)
        assert passcode_hint(card) == "new-then-old"
        unheard(counter, counter.start_sign_in(card), NEW)
        assert passcode_hint(card) == "old-then-new"
        unheard(counter, counter.start_sign_in(card), PASSCODE)
        assert passcode_hint(card) == "new-then-old"

    def test_a_page_that_claims_to_have_asked_for_something_else_is_not_heard(
        self, counter: Counter, card: Card
    ) -> None:
        sign_in_service.start(
            guid=card.guid,
            tries_left=3,
            use="my-own",
            office=counter.office,
            now=counter.now,
            **counter.at_the_bridge(),
        )
        begun = select(CardOperation).where(CardOperation.kind == "sign-in")
        last = db.session.scalars(begun.order_by(CardOperation.id.desc())).first()
        assert last is not None
        assert (last.facts["use"], last.facts["left"]) == (None, 3)


class TestASignInPageThatHeardNothing:
    """It says which passcode to use before one is typed: of a refusal nobody may have heard."""

    def test_after_a_change_that_is_done_the_new_one(self, counter: Counter, card: Card) -> None:
        assert isinstance(change(counter), Finished)
        assert at_sign_in(counter, card) == Hint()
        unheard(counter, begin(counter, card), PASSCODE)
        assert at_sign_in(counter, card) == Hint("new", str(told("new", the_change())["since"]))
        sign_in(counter, card, NEW)
        assert at_sign_in(counter, card) == Hint()

    def test_what_was_new_before_a_change_that_never_happened_is_named_by_its_time(
        self, counter: Counter, card: Card
    ) -> None:
        assert isinstance(change(counter), Finished)
        first = the_change()
        ticket = start(counter)
        counter.page.step(ticket, passcode=PASSCODE, new_passcode=ANOTHER)  # refused
        gone = {"code": "failed", "outcome": "unknown", "reason": "bridge-gone"}
        counter.bring(ticket.operation, {"step": ticket.step, "error": gone})
        assert at_sign_in(counter, card) == Hint("new", str(told("new", first)["since"]))
        assert typed(counter, card, PASSCODE) == {"use": "other"}
        sign_in(counter, card, NEW)

    def test_what_was_new_before_is_named_where_the_next_one_was_refused(
        self, counter: Counter, card: Card
    ) -> None:
        assert isinstance(change(counter), Finished)
        first = the_change()
        lost = start(counter)  # and this one never reaches the card
        assert typed(counter, card, ANOTHER) == told("new", first)
        assert typed(counter, card, PASSCODE) == told("new", first)
        sign_in(counter, card, NEW)
        assert the_change(lost.operation).facts["settled"] == "old"
        assert typed(counter, card, ANOTHER) == told("new", first)

    def test_after_one_that_never_happened_the_old_one(self, counter: Counter, card: Card) -> None:
        lose_the_answer(counter, changed=False)
        assert typed(counter, card, NEW) == {"use": "old"}
        sign_in(counter, card, PASSCODE)
        unheard(counter, begin(counter, card), NEW)
        assert at_sign_in(counter, card).use == "old"

    def test_after_one_that_was_settled_the_one_that_was_not_refused(
        self, counter: Counter, card: Card
    ) -> None:
        lose_the_answer(counter, changed=True)
        sign_in(counter, card, NEW)
        unheard(counter, begin(counter, card), PASSCODE)
        assert at_sign_in(counter, card) == Hint("then-new")
        begin(counter, card)  # and this one never reaches the card
        assert at_sign_in(counter, card) == Hint("then-new")
        unheard(counter, begin(counter, card), NEW)
        assert at_sign_in(counter, card) == Hint("then-new")
        assert tries(counter) == 3

    def test_whoever_is_asked_for_the_wrong_one_is_sent_back(
        self, counter: Counter, card: Card
    ) -> None:
        lose_the_answer(counter, changed=False)
        sign_in(counter, card, PASSCODE)
        unheard(counter, begin(counter, card), NEW)
        assert at_sign_in(counter, card) == Hint("then-new")
        unheard(counter, begin(counter, card), NEW)
        assert at_sign_in(counter, card) == Hint("then-old")

    def test_where_the_chip_does_not_say_they_are_asked_for_by_turns(
        self, counter: Counter, card: Card
    ) -> None:
        lose_the_answer(counter, changed=True)
        sign_in(counter, card, NEW)
        for use in ("new-then-old", "old-then-new", "new-then-old"):
            unheard(counter, counter.start_sign_in(card), NEW)
            assert hint_at_sign_in(card, tries_left=None, now=counter.now) == Hint(use)

    def test_after_an_unlock_none_in_particular(self, counter: Counter, card: Card) -> None:
        assert isinstance(change(counter), Finished)
        be_unlocked(counter, card)
        unheard(counter, begin(counter, card), NEW)
        assert at_sign_in(counter, card) == Hint()


class TestTheLastTries:
    @pytest.mark.both_databases
    def test_a_session_does_not_spend_them(self, counter: Counter, card: Card) -> None:
        operation = lose_the_answer(counter, changed=False)
        unheard(counter, counter.ticket(operation), NEW)
        unheard(counter, to_register(counter), NEW)
        assert tries(counter) == 1
        for ask in (lambda: counter.ticket(operation), lambda: to_register(counter)):
            with pytest.raises(PasscodeInDoubt):
                ask()
            db.session.rollback()
        assert passcode_hint(card, tries_left=1) == "then-old"
        sign_in(counter, card, PASSCODE)
        assert tries(counter) == 3

    def test_an_answer_that_says_nothing_counts_like_none(
        self, counter: Counter, card: Card
    ) -> None:
        operation = lose_the_answer(counter, changed=False)
        for _ in range(2):
            ticket = counter.ticket(operation)
            counter.page.step(ticket, passcode=NEW)
            gone = {"code": "failed", "outcome": "unknown", "reason": "bridge-gone"}
            counter.bring(operation, {"step": ticket.step, "error": gone})
        with pytest.raises(PasscodeInDoubt):
            counter.ticket(operation)

    def test_an_answer_that_is_certain_does_not(self, counter: Counter, card: Card) -> None:
        operation = lose_the_answer(counter, changed=False)
        for _ in range(2):
            ticket = counter.ticket(operation)
            counter.bring(operation, {"step": ticket.step, "error": {"code": "no-card"}})
        refused = counter.run(counter.ticket(operation), passcode=NEW)
        assert isinstance(refused, CardAnswered)
        assert refused.facts == {"left": 2, "use": "old"}

    def test_an_agent_unlocks_instead(self, counter: Counter, card: Card) -> None:
        lose_the_answer(counter, changed=False)
        agent = counter.sign_in_agent(card.person.organisation)
        unheard(counter, help_with(counter, agent, card), NEW)
        with pytest.raises(PasscodeInDoubt) as refused:
            help_with(counter, agent, card)
        assert refused.value.facts == {"helped": True}
        db.session.rollback()
        be_unlocked(counter, card)
        sign_in(counter, card, ANOTHER)

    def test_with_an_agent_a_change_that_never_happened_is_made(
        self, counter: Counter, card: Card
    ) -> None:
        lose_the_answer(counter, changed=False)
        assert typed(counter, card, NEW) == {"use": "old"}
        agent = counter.sign_in_agent(card.person.organisation)
        done = counter.run(help_with(counter, agent, card), passcode=PASSCODE, new_passcode=ANOTHER)
        assert isinstance(done, Finished)
        assert in_the_chip(counter) == ANOTHER


def at_sign_in(counter: Counter, card: Card) -> Hint:
    return hint_at_sign_in(card, tries_left=tries(counter), now=counter.now)


def help_with(counter: Counter, agent: Principal, card: Card) -> NextTicket:
    return change_passcode.start_assisted(
        agent,
        card,
        office=counter.office,
        now=counter.now,
        tries_left=tries(counter),
        **counter.at_the_bridge(),
    )
