"""Erasing: what is left of a card, cuts, and that it can be issued to somebody else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.card_operations import erase, issue, journal, unlock
from app.card_operations.answers import Answer, CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.refusals import ManagementKeyUnknown, WorkstationNotEnrolled
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.card_services import CardServiceRefused
from app.domain.errors import Conflict, NotAllowed
from app.domain.roles import Role
from app.domain.statuses import CertificateStatus, OperationState, WorkstationStatus
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, Person
from reader_bridge.virtual.behaviour import Behaviour, Tear, named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.people import a_person

DIGITS = "482913"
TRIED = ("plain-standard", "lenient", "token", "digits-63c0", "fixed-management-key", "no-metadata")


def passcode_of(counter: Counter) -> str:
    return DIGITS if counter.chip().behaviour.digits_only else PASSCODE


def cancelled(counter: Counter, holder: Person, behaviour: str | Behaviour = "default") -> Card:
    counter.put_in(behaviour)
    card = counter.issue(holder, passcode_of(counter))
    card.apply(CardEvent.CANCEL, now=counter.now)
    db.session.commit()
    counter.sign_in_agent(holder.organisation)
    return card


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    return cancelled(counter, holder)


def shown(counter: Counter) -> str | None:
    guid: str | None = counter.page.read_card(counter.reader)["guid"]
    return guid


def start(counter: Counter, card: Card, **more: Any) -> NextTicket:
    assert counter.actor is not None
    if not {"guid", "serial"} <= set(more):
        more = {**counter.page.read_card(counter.reader), **more}
    return erase.start(
        counter.actor,
        card,
        guid=more["guid"],
        serial=more["serial"],
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(),
    )


def erased(counter: Counter, card: Card) -> Finished:
    done = counter.run(start(counter, card))
    assert isinstance(done, Finished), done
    return done


def put_in_again(counter: Counter) -> None:
    counter.page.desk("insert", card="one", reader=counter.reader)


def must_be_blank(counter: Counter, card: Card) -> None:
    """The chip has what its maker gave it, and the service keeps none of its secrets."""
    chip = counter.chip()
    assert chip.guid is None
    assert chip.management_key == chip.behaviour.factory_management_key
    assert chip.puk.value == b"12345678"
    assert not counter.page.read_card(counter.reader)["certificates"]
    db.session.refresh(card)
    assert card.status in (CardStatus.CANCELLED, CardStatus.BLANK)
    assert (card.management_key_sealed, card.puk_sealed, card.puk_pending_sealed) == (None,) * 3


def must_be_issuable(counter: Counter) -> None:
    counter.actor = None
    another = a_person(given_name="Alan", family_name="Turing")
    card = counter.issue(another, passcode_of(counter))
    assert card.status is CardStatus.ISSUED
    assert card.person == another


def test_an_erased_card_is_issued_to_somebody_else(counter: Counter, card: Card) -> None:
    old_keys = {each.public_key for each in card.keys}
    done = erased(counter, card)
    assert done.facts == {"left": [], "reusable": True}
    must_be_blank(counter, card)
    must_be_issuable(counter)
    assert counter.chip().guid is not None
    assert counter.chip().guid != bytes.fromhex(card.guid)
    new = db.session.scalars(select(Card).filter_by(status=CardStatus.ISSUED)).all()
    assert not old_keys & {key.public_key for each in new for key in each.keys}


def test_the_erasing_is_in_the_audit_log(counter: Counter, card: Card) -> None:
    erased(counter, card)
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.erased")).one()
    assert (event.subject_card_id, event.facts["reusable"]) == (card.id, True)


@pytest.mark.parametrize("behaviour", TRIED)
def test_every_make_of_card_is_erased_and_issued_again(
    counter: Counter, holder: Person, behaviour: str
) -> None:
    card = cancelled(counter, holder, behaviour)
    assert erased(counter, card).facts["reusable"]
    must_be_blank(counter, card)
    must_be_issuable(counter)


# Refusals


def test_a_card_in_use_is_not_erased(counter: Counter, holder: Person) -> None:
    counter.put_in()
    card = counter.issue(holder)
    counter.sign_in_agent(holder.organisation)
    with pytest.raises(CardServiceRefused):
        start(counter, card)


def test_only_agents_erase(counter: Counter, holder: Person, card: Card) -> None:
    counter.sign_in_agent(holder.organisation, Role.SPONSOR, name="another")
    with pytest.raises(NotAllowed):
        start(counter, card)


def test_only_an_enrolled_pc_is_sent_a_cards_secrets(counter: Counter, card: Card) -> None:
    counter.introduce(WorkstationStatus.SEEN)
    with pytest.raises(WorkstationNotEnrolled):
        start(counter, card)


def test_what_another_worker_has_just_noted_stays_when_an_erasing_is_begun_again(
    counter: Counter, card: Card
) -> None:
    first = start(counter, card)
    begun = db.session.query(CardOperation).filter_by(public_id=first.operation).one()
    noted = {**begun.facts, "emptying": True, "key_sent": True}
    with db.engine.begin() as another:
        this = CardOperation.id == begun.id
        another.execute(update(CardOperation).where(this).values(facts=noted))
    assert start(counter, card).operation == first.operation
    db.session.refresh(begun)
    assert begun.facts["key_sent"]


def test_another_card_is_not_erased_in_its_place(counter: Counter, card: Card) -> None:
    with pytest.raises(Conflict, match="another-card"):
        start(counter, card, guid="ab" * 16)
    with pytest.raises(Conflict, match="another-card"):
        start(counter, card, guid=None)


def test_a_card_that_was_erased_is_said_to_be(counter: Counter, card: Card) -> None:
    erased(counter, card)
    put_in_again(counter)
    with pytest.raises(Conflict, match="already-erased"):
        start(counter, card)


def test_a_card_with_somebody_elses_management_key_stays_as_it_is(
    counter: Counter, card: Card
) -> None:
    chip = counter.chip()
    chip.management_key = bytes(range(24))
    chip.save()
    put_in_again(counter)
    with pytest.raises(ManagementKeyUnknown):
        counter.run(start(counter, card))
    put_in_again(counter)
    assert set(counter.page.read_card(counter.reader)["certificates"]) == {"9a", "9c", "9e"}


def block_puk(counter: Counter) -> None:
    chip = counter.chip()
    chip.puk.left = 0
    chip.save()
    put_in_again(counter)


def test_a_card_whose_puk_is_blocked_is_emptied_and_told_to_be_of_no_more_use(
    counter: Counter, holder: Person
) -> None:
    card = cancelled(counter, holder, replace(named("default"), resettable=False))
    block_puk(counter)
    done = erased(counter, card)
    assert done.facts == {"left": ["puk"], "reusable": False}
    assert not counter.page.read_card(counter.reader)["certificates"]


@pytest.mark.parametrize("puk", ["blocked", "not ours"])
def test_a_card_whose_puk_is_of_no_use_is_reset_where_its_make_allows_that(
    counter: Counter, card: Card, puk: str
) -> None:
    block_puk(counter)
    if puk == "not ours":
        chip = counter.chip()
        chip.puk.left, chip.puk.value = 5, b"87654321"
        chip.save()
        put_in_again(counter)
    assert erased(counter, card).facts == {"left": [], "reusable": True}
    chip = counter.chip()
    assert chip.management_key == chip.behaviour.factory_management_key
    assert chip.puk.value == b"12345678"
    put_in_again(counter)
    must_be_issuable(counter)


def test_a_reset_whose_answer_is_lost_is_done_again(counter: Counter, card: Card) -> None:
    block_puk(counter)
    ticket = steps(counter, start(counter, card), 3)
    assert ticket is not None
    counter.page.step(ticket)
    put_in_again(counter)
    assert erased(counter, card).facts["reusable"]
    put_in_again(counter)
    must_be_issuable(counter)


# Cuts


def steps(counter: Counter, first: NextTicket, many: int) -> NextTicket | None:
    """Go on for some steps; None where it is done before."""
    answer: Answer = first
    for _ in range(many):
        assert isinstance(answer, NextTicket)
        answer = counter.bring(answer.operation, counter.page.step(answer))
    return answer if isinstance(answer, NextTicket) else None


@pytest.mark.parametrize("performed", [False, True], ids=["ticket lost", "answer lost"])
@pytest.mark.parametrize(
    ("behaviour", "many"),
    [("default", 0), ("default", 1), ("default", 2), ("plain-standard", 1), ("plain-standard", 2)],
)
def test_an_erasing_cut_at_any_step_is_finished_by_running_it_again(
    counter: Counter, holder: Person, behaviour: str, many: int, performed: bool
) -> None:
    card = cancelled(counter, holder, behaviour)
    ticket = steps(counter, start(counter, card), many)
    if ticket is not None:
        if performed:
            counter.page.step(ticket)
        put_in_again(counter)
        erased(counter, card)
    must_be_blank(counter, card)
    assert db.session.query(CardOperation).filter_by(kind="erase").count() == 1
    must_be_issuable(counter)


@pytest.mark.parametrize("takes_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(5, 40, 7))
def test_a_card_torn_out_at_any_command_is_blank_when_it_is_put_in_again(
    counter: Counter, holder: Person, at: int, takes_effect: bool
) -> None:
    card = cancelled(counter, holder)
    guid = shown(counter)
    chip = counter.chip()
    chip.behaviour = replace(chip.behaviour, tear=Tear(at, takes_effect))
    chip.save()
    put_in_again(counter)
    answer = counter.run(start(counter, card, guid=guid, serial=card.serial))
    if not isinstance(answer, Finished):
        assert isinstance(answer, CardAnswered | Waiting)
        put_in_again(counter)
        erased(counter, card)
    must_be_blank(counter, card)


def test_a_card_whose_unlock_was_cut_off_is_erased_with_either_puk(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    card = counter.issue(holder)
    agent = counter.sign_in_agent(holder.organisation)
    for _ in range(2):
        at = counter.at_the_bridge()
        first = unlock.start_assisted(agent, card, office=counter.office, now=counter.now, **at)
        answer = counter.bring(first.operation, counter.page.step(first, new_passcode="Green815"))
        assert isinstance(answer, NextTicket)
        counter.page.step(answer)
        put_in_again(counter)
    card.apply(CardEvent.CANCEL, now=counter.now)
    db.session.commit()
    erased(counter, card)
    must_be_blank(counter, card)


# An issue that was given up


@pytest.mark.parametrize("performed", [False, True], ids=["ticket lost", "answer lost"])
@pytest.mark.parametrize("many", range(5))
def test_a_card_whose_issue_was_given_up_at_any_step_is_erased_and_issued_to_somebody_else(
    counter: Counter, holder: Person, many: int, performed: bool
) -> None:
    counter.put_in()
    ticket = counter.start_issue(holder)
    for _ in range(many):
        answer = counter.bring(ticket.operation, counter.page.step(ticket, new_passcode=PASSCODE))
        assert isinstance(answer, NextTicket)
        ticket = answer
    if performed:
        counter.page.step(ticket, new_passcode=PASSCODE)
    put_in_again(counter)
    begun = journal.find(ticket.operation, browser=counter.page.browser)
    issue.give_up(begun, actor=None, now=counter.now)
    db.session.commit()
    card = db.session.scalars(select(Card)).one()
    counter.sign_in_agent(holder.organisation)
    erased(counter, card)
    must_be_blank(counter, card)
    must_be_issuable(counter)


def test_erasing_gives_up_the_issue_that_stands_still(counter: Counter, holder: Person) -> None:
    counter.put_in()
    ticket = counter.start_issue(holder)
    for _ in range(4):
        answer = counter.bring(ticket.operation, counter.page.step(ticket, new_passcode=PASSCODE))
        assert isinstance(answer, NextTicket)
        ticket = answer
    put_in_again(counter)
    begun = db.session.scalars(select(CardOperation).filter_by(kind="issue")).one()
    begun.updated_at = counter.now - timedelta(minutes=10)
    db.session.commit()
    card = begun.card
    assert card is not None
    counter.sign_in_agent(holder.organisation)
    erased(counter, card)
    assert begun.state is OperationState.ABANDONED
    assert {each.status for each in card.certificates} == {CertificateStatus.REVOKED}
    must_be_issuable(counter)
