"""Changing the passcode, and what is asked when the answer was lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.card_operations import change_passcode
from app.card_operations.answers import CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.change_passcode import ChangeUnsettled
from app.card_operations.refusals import CardNotVerified, OperationOver
from app.card_operations.which_passcode import passcode_hint
from app.domain.errors import Conflict, NotSignedIn
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, OutboxMessage, Person, Session
from app.services import sessions
from reader_bridge.virtual.behaviour import Tear, named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_1
from tests.parts.registered import registered

NEW = "Green815"


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """An issued card whose holder is signed in."""
    counter.put_in()
    card = counter.issue(holder)
    counter.sign_in(card)
    return card


def start(counter: Counter, guid: str | None = None) -> NextTicket:
    assert counter.actor is not None
    return change_passcode.start(
        counter.actor, guid=guid, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )


def change(counter: Counter, old: str = PASSCODE, new: str = NEW) -> object:
    return counter.run(start(counter), passcode=old, new_passcode=new)


def in_the_chip(counter: Counter) -> str:
    return counter.chip().passcode.value.rstrip(b"\xff").decode()


def lose_the_answer(counter: Counter, *, changed: bool, ticket: NextTicket | None = None) -> str:
    """The card leaves the reader at the very command that changes the passcode."""
    ticket = ticket or start(counter)
    result = counter.page.step(ticket, passcode=PASSCODE, new_passcode=NEW) if changed else None
    assert result is None or "results" in result
    # The bridge's word never reaches the server; the page knows only that the bridge has gone.
    error = {"code": "failed", "outcome": "unknown", "reason": "bridge-gone"}
    answer = counter.bring(ticket.operation, {"step": ticket.step, "error": error})
    assert isinstance(answer, Waiting)
    assert (answer.reason, answer.facts["use"]) == ("answer-lost", "new-then-old")
    return ticket.operation


def test_a_changed_passcode_is_proven_by_a_signature_and_recorded(
    counter: Counter, card: Card
) -> None:
    done = change(counter)
    assert isinstance(done, Finished)
    assert in_the_chip(counter) == NEW
    event = db.session.scalars(
        select(AuditEvent).where(AuditEvent.event == "card.passcode-changed")
    ).one()
    assert event.statement is not None
    assert event.actor_uuid == card.person.uuid


def test_the_holder_hears_of_it_at_both_addresses_and_of_no_helper(
    counter: Counter, card: Card
) -> None:
    assert card.person
    card.person.email = "ada@nhs.net"
    registered(card.person, email="ada@ward.nhs.uk")
    assert isinstance(change(counter), Finished)
    messages = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [each.to for each in messages] == ["ada@nhs.net", "ada@ward.nhs.uk"]
    for message in messages:
        assert message.template == "passcode-changed"
        assert "If it was not you" in message.body_text
        assert "helped" not in message.body_text


@pytest.mark.parametrize(
    ("new", "rule"),
    [("123", "too-short"), ("9999", "all-the-same"), ("8765", "run"), (PASSCODE, "not-new")],
)
def test_a_new_passcode_that_breaks_a_rule_never_reaches_the_card(
    counter: Counter, card: Card, new: str, rule: str
) -> None:
    answer = change(counter, new=new)
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts) == ("passcode-refused", {"rule": rule})
    assert in_the_chip(counter) == PASSCODE


def test_the_holders_own_numbers_are_no_passcode(counter: Counter, card: Card) -> None:
    assert card.person is not None
    card.person.uuid, card.number = "555071930284", "700429581630"
    db.session.commit()
    for number in ("071930", "4295816"):
        answer = change(counter, new=number)
        assert isinstance(answer, CardAnswered)
        assert answer.facts == {"rule": "your-number"}


def test_a_wrong_current_passcode_may_be_typed_again(counter: Counter, card: Card) -> None:
    answer = change(counter, old="wrong-00")
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts) == ("wrong-passcode", {"left": 2})
    done = counter.run(counter.ticket(answer.operation), passcode=PASSCODE, new_passcode=NEW)
    assert isinstance(done, Finished)


def test_a_lost_answer_after_the_change_is_settled_with_the_new_passcode(
    counter: Counter, card: Card
) -> None:
    operation = lose_the_answer(counter, changed=True)
    assert passcode_hint(card) == "new-then-old"
    done = counter.run(counter.ticket(operation), passcode=NEW)
    assert isinstance(done, Finished)
    assert passcode_hint(card) is None


def test_a_lost_answer_before_the_change_ends_with_the_old_passcode_and_never_the_new_again(
    counter: Counter, card: Card
) -> None:
    operation = lose_the_answer(counter, changed=False)
    refused = counter.run(counter.ticket(operation), passcode=NEW)
    assert isinstance(refused, CardAnswered)
    assert (refused.code, refused.facts) == ("wrong-passcode", {"left": 2, "use": "old"})
    db.session.refresh(card)
    assert card.new_passcode_refused
    assert passcode_hint(card) == "old"
    done = counter.run(counter.ticket(operation), passcode=PASSCODE, new_passcode=NEW)
    assert isinstance(done, Finished)
    db.session.refresh(card)
    assert not card.new_passcode_refused


def test_a_page_that_was_closed_over_the_change_asks_for_the_new_passcode_first(
    counter: Counter, card: Card
) -> None:
    ticket = start(counter)
    counter.page.step(ticket, passcode=PASSCODE, new_passcode=NEW)
    assert passcode_hint(card) == "new-then-old"
    done = counter.run(counter.ticket(ticket.operation), passcode=NEW)
    assert isinstance(done, Finished)


def test_signing_in_settles_what_was_unknown(counter: Counter, card: Card) -> None:
    operation = lose_the_answer(counter, changed=False)
    refused = counter.run(counter.start_sign_in(card), passcode=NEW)
    assert isinstance(refused, CardAnswered)
    assert refused.facts == {"left": 2, "use": "old"}
    assert isinstance(counter.run(counter.start_sign_in(card), passcode=PASSCODE), Waiting)
    assert passcode_hint(card) is None
    row = db.session.scalars(
        select(CardOperation).where(CardOperation.public_id == operation)
    ).one()
    assert row.state is OperationState.ABANDONED


# The commands of a change, after reading the card and issuing it has been done
@pytest.mark.parametrize("takes_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
def test_a_card_torn_out_at_any_command_is_never_locked_by_what_follows(
    counter: Counter, card: Card, at: int, takes_effect: bool
) -> None:
    counter.page.read_card(READER_1)  # so that the page need not read it again
    chip = counter.chip()
    chip.behaviour = named("default").__class__(tear=Tear(at, takes_effect))
    chip.save()
    counter.page.desk("insert", card="one", reader=READER_1)
    answer = counter.run(start(counter), passcode=PASSCODE, new_passcode=NEW)
    if isinstance(answer, Finished):
        return
    counter.page.desk("insert", card="one", reader=READER_1)
    assert isinstance(answer, CardAnswered | Waiting)
    right = in_the_chip(counter)
    if isinstance(answer, Waiting):
        again = counter.run(counter.ticket(answer.operation), passcode=NEW)
        if right == NEW:
            assert isinstance(again, Finished)
            return
        assert isinstance(again, CardAnswered)
        assert again.facts["use"] == "old"
    assert right == PASSCODE
    done = counter.run(counter.ticket(answer.operation), passcode=PASSCODE, new_passcode=NEW)
    assert isinstance(done, Finished)
    assert counter.chip().passcode.left == 3


def test_a_page_that_heard_nothing_is_not_asked_for_the_old_passcode_again(
    counter: Counter, card: Card
) -> None:
    ticket = start(counter)
    counter.page.step(ticket, passcode=PASSCODE, new_passcode=NEW)  # and its answer is lost
    with pytest.raises(ChangeUnsettled) as error:
        start(counter)
    operation = error.value.facts["operation"]
    assert operation == ticket.operation
    assert isinstance(counter.run(counter.ticket(operation), passcode=NEW), Finished)


def test_a_page_that_did_not_hear_of_the_change_is_told_at_the_first_refusal(
    counter: Counter, card: Card
) -> None:
    assert isinstance(change(counter), Finished)
    again = change(counter, new="Amber362")
    assert isinstance(again, CardAnswered)
    assert (again.facts["left"], again.facts["use"]) == (2, "new")
    elsewhere = counter.run(counter.start_sign_in(card), passcode=PASSCODE)
    assert isinstance(elsewhere, CardAnswered)
    assert (elsewhere.facts["left"], elsewhere.facts["use"]) == (1, "new")


def test_a_change_gives_up_what_was_begun_before_it(counter: Counter, card: Card) -> None:
    wrong = change(counter, old="wrong-00")
    assert isinstance(wrong, CardAnswered)
    assert isinstance(change(counter), Finished)
    row = db.session.scalars(
        select(CardOperation).where(CardOperation.public_id == wrong.operation)
    ).one()
    assert row.state is OperationState.ABANDONED


def test_only_the_card_that_is_signed_in_can_be_changed(counter: Counter, card: Card) -> None:
    with pytest.raises(Conflict, match="another-card"):
        start(counter, guid="ab" * 16)


def test_a_statement_of_an_operation_counts_as_presence(counter: Counter, card: Card) -> None:
    assert counter.actor is not None
    before = sessions.times(counter.actor.session_id)
    assert before is not None
    change(counter)
    session = db.session.get_one(Session, counter.actor.session_id)
    assert session.last_presence_at > before.last_presence_at


def test_an_answer_that_proves_nothing_leaves_the_change_unknown(
    counter: Counter, card: Card
) -> None:
    ticket = start(counter)
    result = counter.page.step(ticket, passcode=PASSCODE, new_passcode=NEW)
    with pytest.raises(CardNotVerified):
        counter.bring(ticket.operation, {**result, "receipt": "cut off"})
    assert passcode_hint(card) == "new-then-old"
    done = counter.run(counter.ticket(ticket.operation), passcode=NEW)
    assert isinstance(done, Finished)


def test_what_a_page_alone_says_of_the_new_passcode_decides_nothing(
    counter: Counter, card: Card
) -> None:
    operation = lose_the_answer(counter, changed=True)
    ticket = counter.ticket(operation)
    said = {"code": "wrong-passcode", "left": 2}
    answer = counter.bring(operation, {"step": ticket.step, "error": said, "receipt": None})
    assert isinstance(answer, CardAnswered)
    assert "use" not in answer.facts
    assert not card.new_passcode_refused
    assert passcode_hint(card) == "new-then-old"


def test_a_change_whose_answer_was_lost_is_gone_on_with_after_a_reload(
    counter: Counter, card: Card
) -> None:
    def unsettled(later: timedelta = timedelta(0), browser: str | None = None) -> str | None:
        assert counter.actor is not None
        return change_passcode.unsettled(
            counter.actor, browser=browser or counter.page.browser, now=counter.now + later
        )

    under_way = start(counter)
    assert unsettled() is None
    assert unsettled(timedelta(minutes=2)) == under_way.operation
    operation = lose_the_answer(counter, changed=True, ticket=under_way)
    assert unsettled() == operation
    assert unsettled(browser="f" * 64) is None
    counter.run(counter.ticket(operation), passcode=NEW)
    assert unsettled() is None


def test_what_was_begun_in_a_session_is_gone_on_with_in_that_session_only(
    counter: Counter, card: Card
) -> None:
    operation = lose_the_answer(counter, changed=True)
    holder, counter.actor = counter.actor, None
    with pytest.raises(NotSignedIn):
        counter.ticket(operation)
    counter.sign_in(card, NEW)  # the same person, in another session
    assert counter.actor != holder
    with pytest.raises(OperationOver):
        counter.ticket(operation)


def test_a_seat_that_no_bridge_gives_is_refused_in_words(counter: Counter, card: Card) -> None:
    assert counter.actor is not None
    at = {**counter.at_the_bridge(), "seat": "s" * 1000}
    ticket = change_passcode.start(
        counter.actor, guid=None, office=counter.office, now=counter.now, **at
    )
    answer = counter.run(ticket, passcode=PASSCODE, new_passcode=NEW)
    assert isinstance(answer, CardAnswered)
    assert answer.code == "ticket-other-card"
    row = db.session.scalars(
        select(CardOperation).where(CardOperation.public_id == ticket.operation)
    ).one()
    assert len(str(row.seat)) <= 64
