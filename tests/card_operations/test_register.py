"""The passcode step of self-service: the card checks the passcode and signs; nothing is changed."""

import pytest
from sqlalchemy import select

from app.card_operations import register
from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.refusals import CardNotVerified, OwnCardUnfinished
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import Conflict, NotSignedIn
from app.domain.self_service import Change
from app.domain.statuses import KeyState
from app.extensions import db
from app.models import AuditEvent, Card, CardKey, CardOperation, Person
from reader_bridge.contract import Slot
from reader_bridge.virtual.behaviour import Tear, named
from tests.card_operations.conftest import PASSCODE, Counter


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """An issued card whose holder is signed in."""
    counter.put_in()
    card = counter.issue(holder)
    counter.sign_in(card)
    return card


def start(counter: Counter, guid: str | None = None) -> NextTicket:
    assert counter.actor is not None
    return register.start(
        counter.actor,
        Change.REGISTER,
        guid=guid,
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(),
    )


def test_the_card_checks_the_passcode_and_its_signature_is_kept(
    counter: Counter, card: Card
) -> None:
    done = counter.run(start(counter, card.guid), passcode=PASSCODE)
    assert isinstance(done, Finished)
    assert done.facts == {"change": "register"}
    event = db.session.scalars(
        select(AuditEvent).where(AuditEvent.event == "self-service.passcode")
    ).one()
    assert event.statement is not None
    assert (event.actor_uuid, event.outcome) == (card.person.uuid, "done")
    row = db.session.scalars(select(CardOperation).where(CardOperation.kind == register.KIND)).one()
    assert row.session_id == counter.actor.session_id


def test_a_wrong_passcode_may_be_typed_again_until_the_card_locks_itself(
    counter: Counter, card: Card
) -> None:
    answer = counter.run(start(counter), passcode="wrong-00")
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts) == ("wrong-passcode", {"left": 2})
    counter.run(counter.ticket(answer.operation), passcode="wrong-01")
    counter.run(counter.ticket(answer.operation), passcode="wrong-02")
    locked = counter.run(counter.ticket(answer.operation), passcode=PASSCODE)
    assert isinstance(locked, CardAnswered)
    assert locked.code == "passcode-locked"
    db.session.refresh(card)
    assert card.status is CardStatus.LOCKED


def test_nobody_proves_anything_without_a_passcode(counter: Counter, card: Card) -> None:
    answer = counter.run(start(counter))
    assert isinstance(answer, CardAnswered)
    assert answer.code == "passcode-needed"


def test_the_answer_to_an_earlier_ticket_proves_nothing(counter: Counter, card: Card) -> None:
    """A workstation that keeps what the card once signed and brings it again gets nowhere."""
    first, second = start(counter), start(counter)
    old = counter.page.step(first, passcode=PASSCODE)
    with pytest.raises(CardNotVerified):
        counter.bring(second.operation, {**old, "step": second.step})


def test_only_the_card_that_is_signed_in_is_asked(counter: Counter, card: Card) -> None:
    with pytest.raises(Conflict, match="another-card"):
        start(counter, guid="ab" * 16)


def test_a_lost_answer_is_followed_by_the_same_step_again(counter: Counter, card: Card) -> None:
    counter.page.step(start(counter), passcode=PASSCODE)  # and its answer is lost
    assert isinstance(counter.run(start(counter), passcode=PASSCODE), Finished)
    assert counter.chip().passcode.left == 3


def test_a_card_that_is_torn_out_at_any_command_is_as_it_was(counter: Counter, card: Card) -> None:
    for at in range(1, 6):
        counter.page.read_card(counter.reader)  # so that the page need not read it again
        chip = counter.chip()
        chip.behaviour = named("default").__class__(tear=Tear(at, takes_effect=True))
        chip.save()
        counter.page.desk("insert", card="one", reader=counter.reader)
        torn = counter.run(start(counter), passcode=PASSCODE)
        counter.page.desk("insert", card="one", reader=counter.reader)
        if not isinstance(torn, Finished):
            assert isinstance(torn, CardAnswered)
            assert isinstance(counter.run(start(counter), passcode=PASSCODE), Finished)
        assert counter.chip().passcode.left == 3


def test_it_is_gone_on_with_in_its_own_session_only(counter: Counter, card: Card) -> None:
    answer = counter.run(start(counter), passcode="wrong-00")
    assert isinstance(answer, CardAnswered)
    counter.actor = None
    with pytest.raises(NotSignedIn):
        counter.ticket(answer.operation)


def test_a_card_whose_key_is_not_known_is_told_to_finish_its_renewal(
    counter: Counter, card: Card
) -> None:
    key = db.session.scalars(
        select(CardKey).where(CardKey.card_id == card.id, CardKey.slot == Slot.AUTHENTICATION.value)
    ).one()
    key.state = KeyState.SUPERSEDED
    db.session.commit()
    with pytest.raises(OwnCardUnfinished):
        start(counter)
