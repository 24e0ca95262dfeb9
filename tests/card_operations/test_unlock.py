"""Unlocking a card with an agent's help: the real bridge, and virtual cards of every kind."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.card_operations import sealed, unlock
from app.card_operations.answers import Answer, CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.refusals import PukUnknown, WorkstationNotEnrolled
from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardServiceRefused
from app.domain.errors import NotAllowed, NotFound
from app.domain.roles import Role
from app.domain.statuses import OperationState, WorkstationStatus
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, OutboxMessage, Person
from reader_bridge.virtual.behaviour import BEHAVIOURS, Behaviour, Tear, named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.people import an_organisation
from tests.parts.registered import registered

NEW = "Green815"
DIGITS, NEW_DIGITS = "482913", "739184"
BEHAVIOURS_TRIED = sorted(set(BEHAVIOURS) - {"default", "slow-keys", "3des", "aes128", "aes256"})


def issued(counter: Counter, holder: Person, behaviour: str | Behaviour = "default") -> Card:
    counter.put_in(behaviour)
    holder.email = "ada@nhs.net"
    card = counter.issue(holder, DIGITS if counter.chip().behaviour.digits_only else PASSCODE)
    counter.sign_in_agent(holder.organisation)
    return card


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    return issued(counter, holder)


def lock(counter: Counter, card: Card) -> None:
    """Three wrong tries, and what the service heard of them."""
    chip = counter.chip()
    chip.passcode.left = 0
    chip.save()
    counter.page.desk("insert", card="one", reader=counter.reader)
    card.status = CardStatus.LOCKED
    db.session.commit()


def start(counter: Counter, card: Card) -> NextTicket:
    assert counter.actor is not None
    return unlock.start_assisted(
        counter.actor, card, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )


def as_page(counter: Counter, ticket: NextTicket, new: str = NEW) -> Answer:
    """Go on as a page does: what was typed goes to the bridge once, with the first ticket."""
    answer: Answer = ticket
    typed: dict[str, str] = {"new_passcode": new}
    while isinstance(answer, NextTicket):
        body = counter.page.step(answer, **typed)
        typed = {}
        answer = counter.bring(answer.operation, body)
    return answer


def unlocked(counter: Counter, card: Card, new: str = NEW) -> Finished:
    done = as_page(counter, start(counter, card), new)
    assert isinstance(done, Finished), done
    return done


def must_be_unlocked(counter: Counter, card: Card, new: str = NEW) -> None:
    """What the service believes, and what is in the chip, are one and the same."""
    db.session.refresh(card)
    chip = counter.chip()
    assert card.status is CardStatus.ISSUED
    assert chip.passcode.value.rstrip(b"\xff").decode() == new
    assert chip.passcode.left == chip.passcode.tries
    assert chip.puk.value.decode() == sealed.current_puk(counter.office.vault, card)
    assert chip.puk.left == chip.puk.tries
    assert card.puk_pending_sealed is None
    assert not card.puk_sent


def put_in_again(counter: Counter) -> None:
    counter.page.desk("insert", card="one", reader=counter.reader)


# The straight way


def test_a_locked_card_gets_a_new_passcode_and_another_puk(counter: Counter, card: Card) -> None:
    lock(counter, card)
    before = sealed.current_puk(counter.office.vault, card)
    done = unlocked(counter, card)
    assert done.facts == {"guid": card.guid, "number": card.number, "expired": False}
    must_be_unlocked(counter, card)
    assert sealed.current_puk(counter.office.vault, card) != before


def test_a_forgotten_passcode_of_a_card_that_is_not_locked_is_replaced_too(
    counter: Counter, card: Card
) -> None:
    unlocked(counter, card)
    must_be_unlocked(counter, card)


def test_the_signature_and_who_helped_are_kept_and_the_holder_is_told(
    counter: Counter, card: Card
) -> None:
    assert card.person
    registered(card.person, email="ada@ward.nhs.uk")
    unlocked(counter, card)
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.unlocked")).one()
    assert event.statement is not None
    assert event.facts["slot"] == "9a"
    assert counter.actor is not None
    assert (event.actor_uuid, event.subject_person_id) == (counter.actor.uuid, card.person_id)
    messages = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [(each.to, each.template) for each in messages] == [
        ("ada@nhs.net", "card-unlocked"),
        ("ada@ward.nhs.uk", "card-unlocked"),
    ]
    assert all("Grace Hopper helped" in each.body_text for each in messages)


def test_a_card_whose_certificates_have_expired_is_unlocked_and_a_repair_follows(
    counter: Counter, card: Card
) -> None:
    card.expires_on = (counter.now - timedelta(days=2)).date()
    db.session.commit()
    assert unlocked(counter, card).facts["expired"]
    message = db.session.scalars(select(OutboxMessage)).one()
    assert "have expired" in message.body_text


@pytest.mark.parametrize("behaviour", BEHAVIOURS_TRIED)
def test_every_make_of_card_can_be_unlocked(
    counter: Counter, holder: Person, behaviour: str
) -> None:
    card = issued(counter, holder, behaviour)
    lock(counter, card)
    new = NEW_DIGITS if named(behaviour).digits_only else NEW
    unlocked(counter, card, new)
    must_be_unlocked(counter, card, new)


# Refusals


def test_a_passcode_that_breaks_the_rule_never_reaches_the_card(
    counter: Counter, card: Card
) -> None:
    lock(counter, card)
    answer = as_page(counter, start(counter, card), "1234")
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts) == ("passcode-refused", {"rule": "run"})
    db.session.refresh(card)
    assert card.puk_sent == 0  # it is known that nothing was sent
    unlocked(counter, card)
    must_be_unlocked(counter, card)


def test_only_an_enrolled_pc_is_sent_a_puk(counter: Counter, card: Card) -> None:
    counter.introduce(WorkstationStatus.SEEN)
    with pytest.raises(WorkstationNotEnrolled):
        start(counter, card)


@pytest.mark.parametrize("role", [Role.ID_CHECKER, None])
def test_whoever_may_not_unlock_is_refused(
    counter: Counter, holder: Person, card: Card, role: Role | None
) -> None:
    counter.sign_in_agent(holder.organisation, role, name="another")
    with pytest.raises((NotAllowed, NotFound)):
        start(counter, card)


@pytest.mark.parametrize("role", [Role.SPONSOR, Role.LOCAL_ADMINISTRATOR])
def test_sponsors_and_local_administrators_unlock(
    counter: Counter, holder: Person, card: Card, role: Role
) -> None:
    counter.sign_in_agent(holder.organisation, role, name="another")
    unlocked(counter, card)


def test_a_card_from_elsewhere_is_not_found(counter: Counter, card: Card) -> None:
    counter.sign_in_agent(an_organisation(), name="another")
    with pytest.raises(NotFound):
        start(counter, card)


@pytest.mark.parametrize("status", [CardStatus.SUSPENDED, CardStatus.CANCELLED])
def test_a_card_that_is_out_of_use_stays_locked(
    counter: Counter, card: Card, status: CardStatus
) -> None:
    card.status = status
    db.session.commit()
    with pytest.raises(CardServiceRefused):
        start(counter, card)


def test_another_genuine_card_is_not_unlocked_in_its_place(
    counter: Counter, holder: Person, card: Card
) -> None:
    ticket = start(counter, card)
    counter.put_in(name="two")
    answer = as_page(counter, ticket)
    assert isinstance(answer, CardAnswered)
    assert counter.chip("two").puk.value == b"12345678"


def test_with_the_puk_blocked_the_way_is_a_new_card(counter: Counter, card: Card) -> None:
    lock(counter, card)
    chip = counter.chip()
    chip.puk.left = 0
    chip.save()
    put_in_again(counter)
    answer = as_page(counter, start(counter, card))
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts["left"]) == ("puk-refused", 0)
    assert answer.facts["way"] == "new-card"
    assert db.session.scalars(select(AuditEvent).filter_by(event="card.puk-of-no-use")).one()


def test_a_card_that_signs_nothing_with_both_blocked_needs_a_new_one(
    counter: Counter, holder: Person
) -> None:
    card = issued(counter, holder, "plain-standard")
    chip = counter.chip()
    chip.passcode.left = chip.puk.left = 0
    chip.save()
    put_in_again(counter)
    answer = as_page(counter, start(counter, card), NEW_DIGITS)
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts["way"]) == ("card-refused", "new-card")


def test_a_puk_that_somebody_else_has_changed_is_not_tried_until_it_is_blocked(
    counter: Counter, card: Card
) -> None:
    chip = counter.chip()
    chip.puk.value = b"87654321"
    chip.save()
    put_in_again(counter)
    for way in (None, "new-card"):
        answer = as_page(counter, start(counter, card))
        assert isinstance(answer, CardAnswered)
        assert (answer.code, answer.facts.get("way")) == ("puk-refused", way)
    with pytest.raises(PukUnknown):
        start(counter, card)
    assert counter.chip().puk.left == 8


def test_one_try_left_and_two_in_doubt_is_not_spent(counter: Counter, card: Card) -> None:
    ticket = cut_after_step(counter, card)
    assert ticket is not None
    chip = counter.chip()
    chip.puk.left = 1
    chip.save()
    put_in_again(counter)
    answer = as_page(counter, start(counter, card))
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts["left"]) == ("puk-refused", 1)
    assert answer.facts["way"] == "new-card"
    assert counter.chip().puk.left == 1


# Cuts


def cut_after_step(counter: Counter, card: Card, *, performed: bool = True) -> NextTicket:
    """U2 is done (or its ticket lost), and nobody hears of it."""
    first = start(counter, card)
    ticket = counter.bring(first.operation, counter.page.step(first, new_passcode=NEW))
    assert isinstance(ticket, NextTicket)
    if performed:
        counter.page.step(ticket)
    put_in_again(counter)
    return ticket


@pytest.mark.parametrize("performed", [False, True], ids=["ticket lost", "answer lost"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_lost_answer_is_recovered_at_the_next_try(
    counter: Counter, card: Card, performed: bool, times: int
) -> None:
    lock(counter, card)
    for _ in range(times):
        cut_after_step(counter, card, performed=performed)
    unlocked(counter, card, "Amber519")
    must_be_unlocked(counter, card, "Amber519")
    assert db.session.query(CardOperation).filter_by(kind="unlock").count() == 1


def test_a_retry_sends_the_pending_puk_again_and_never_a_third(
    counter: Counter, card: Card
) -> None:
    cut_after_step(counter, card, performed=False)
    pending = sealed.pending_puk(counter.office.vault, card)
    cut_after_step(counter, card, performed=True)
    assert sealed.pending_puk(counter.office.vault, card) == pending
    assert counter.chip().puk.value.decode() == pending


def test_the_pending_puk_is_kept_sealed_before_it_is_sent(counter: Counter, card: Card) -> None:
    first = start(counter, card)
    assert card.puk_pending_sealed is None
    counter.bring(first.operation, counter.page.step(first, new_passcode=NEW))
    pending = sealed.pending_puk(counter.office.vault, card)
    assert pending.isdigit()
    assert len(pending) == 8
    assert pending.encode() not in (card.puk_pending_sealed or b"")


def test_signing_in_settles_an_unlock_whose_answer_was_lost(counter: Counter, card: Card) -> None:
    cut_after_step(counter, card)
    counter.sign_in(card, NEW)
    row = db.session.scalars(select(CardOperation).filter_by(kind="unlock")).one()
    assert row.state is OperationState.ABANDONED
    assert card.puk_pending_sealed is not None  # both are kept until one is proven


@pytest.mark.parametrize("takes_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("behaviour", "at"),
    [("default", at) for at in range(1, 14, 2)] + [("plain-standard", at) for at in (4, 6, 7, 8)],
)
def test_a_card_torn_out_at_any_command_is_unlocked_when_it_is_put_in_again(
    counter: Counter, holder: Person, behaviour: str, at: int, takes_effect: bool
) -> None:
    card = issued(counter, holder, behaviour)
    lock(counter, card)
    new = NEW_DIGITS if named(behaviour).digits_only else NEW
    counter.page.read_card(counter.reader)
    chip = counter.chip()
    chip.behaviour = replace(chip.behaviour, tear=Tear(at, takes_effect))
    chip.save()
    put_in_again(counter)
    answer = as_page(counter, start(counter, card), new)
    if not isinstance(answer, Finished):
        assert isinstance(answer, CardAnswered | Waiting)
        assert counter.chip().puk.left >= counter.chip().puk.tries - 1
        put_in_again(counter)
        unlocked(counter, card, new)
    must_be_unlocked(counter, card, new)


# Who says that the new passcode holds


@pytest.fixture
def without_authentication_key(counter: Counter, card: Card) -> Card:
    """Something has emptied 9A."""
    chip = counter.chip()
    del chip.keys["9a"]
    chip.save()
    put_in_again(counter)
    return card


def test_where_9a_does_not_sign_9c_does(counter: Counter, without_authentication_key: Card) -> None:
    unlocked(counter, without_authentication_key)
    must_be_unlocked(counter, without_authentication_key)
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.unlocked")).one()
    assert event.facts["slot"] == "9c"


def test_where_neither_signs_9e_and_the_receipt_do(
    counter: Counter, without_authentication_key: Card
) -> None:
    chip = counter.chip()
    del chip.keys["9c"]
    chip.save()
    put_in_again(counter)
    unlocked(counter, without_authentication_key)
    must_be_unlocked(counter, without_authentication_key)
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.unlocked")).one()
    assert event.facts["slot"] == "9e"


def test_a_key_that_is_not_the_one_we_know_does_not_stand_in_the_way(
    counter: Counter, card: Card
) -> None:
    chip = counter.chip()
    chip.keys["9a"] = chip.keys["9e"]
    chip.save()
    put_in_again(counter)
    unlocked(counter, card)
    must_be_unlocked(counter, card)
