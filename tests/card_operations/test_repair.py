"""Repairing cards: expired, half written, or changed by other software; through the real bridge."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.card_operations import repair, wire
from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.approvals import ApprovalSpent
from app.card_operations.keys_on_card import key_on
from app.card_operations.refusals import ApprovalNeeded
from app.card_operations.which_card import which_card
from app.domain.card_lifecycle import CardEvent
from app.domain.card_services import CardServiceRefused
from app.domain.errors import NotAllowed, NotFound, SignInRefused
from app.domain.principal import Principal
from app.domain.roles import Role
from app.domain.statuses import CertificateStatus, OperationState
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, Person
from reader_bridge.contract import Algorithm, Slot
from reader_bridge.piv import objects
from reader_bridge.virtual.behaviour import named
from reader_bridge.virtual.state import CardState
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_1
from tests.parts.people import a_person
from tests.parts.renewing import (
    an_agent,
    approved_repair,
    do,
    make_older,
    must_be_renewed,
    must_be_sound,
    put_in_again,
    start_renewal,
)

DIGITS = "482913"
PAIR_MADE = (Slot.SIGNATURE, Slot.AUTHENTICATION)


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """A card that expired yesterday, in front of an agent."""
    counter.put_in()
    card = counter.issue(holder)
    make_older(counter, card, 731)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
    return card


@pytest.fixture
def agent(counter: Counter, card: Card) -> Principal:
    assert counter.actor is not None
    return counter.actor


def start(counter: Counter, card: Card, *, approved: bool = True) -> NextTicket:
    """As an agent does, with what the page has read of the card."""
    assert counter.actor is not None
    approval = approved_repair(counter.actor, card, counter.now) if approved else None
    read = counter.page.read_card(READER_1)
    return repair.start(
        counter.actor,
        card,
        approval=approval,
        guid=read["guid"],
        certificates={slot: wire.to_bytes(der) for slot, der in read["certificates"].items()},
        office=counter.office,
        now=counter.now,
        **counter.at_the_bridge(),
    )


def repaired(counter: Counter, card: Card, passcode: str = PASSCODE) -> None:
    done = counter.run(start(counter, card), passcode=passcode)
    assert isinstance(done, Finished), done
    must_be_renewed(counter, card, self_renewals=0)


def change_chip(counter: Counter, change: Callable[[CardState], None]) -> None:
    """Other software writes to the card."""
    chip = counter.chip()
    change(chip)
    chip.save()
    put_in_again(counter)


# The straight way


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_an_expired_card_gets_a_new_pair_and_signs_in(
    counter: Counter, holder: Person, algorithm: Algorithm
) -> None:
    counter.put_in()
    card = counter.issue(holder, algorithm=algorithm)
    card.self_renewals_in_row = 2
    db.session.commit()
    make_older(counter, card, 731)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
    repaired(counter, card)
    assert {key.algorithm for key in card.keys} == {algorithm.value}
    assert len([key for key in card.keys if key.slot == "9e"]) == 1
    counter.actor = None
    counter.sign_in(card)


@pytest.mark.parametrize("behaviour", ["plain-standard", "lenient", "token", "partial-writes"])
def test_every_make_of_card_can_be_repaired(
    counter: Counter, holder: Person, behaviour: str
) -> None:
    counter.put_in(behaviour)
    passcode = DIGITS if named(behaviour).digits_only else PASSCODE
    card = counter.issue(holder, passcode)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
    repaired(counter, card, passcode)


def test_the_event_keeps_what_the_agents_card_has_signed(counter: Counter, card: Card) -> None:
    repaired(counter, card)
    event = db.session.query(AuditEvent).filter_by(event="card.repaired").one()
    assert event.statement == "signed.by.the-agent"
    assert event.facts["text"] == "Repair a Smartcard"
    assert event.facts["proof"].count(".") == 2


# Who may


def test_without_an_approval_nothing_is_repaired(counter: Counter, card: Card) -> None:
    with pytest.raises(ApprovalNeeded):
        start(counter, card, approved=False)


def test_an_approval_serves_one_repair(counter: Counter, card: Card, agent: Principal) -> None:
    approval = approved_repair(agent, card, counter.now)
    given = {"approval": approval, "guid": card.guid, "office": counter.office}
    at_bridge = counter.at_the_bridge()
    repair.start(agent, card, now=counter.now, **given, **at_bridge)
    with pytest.raises(ApprovalSpent):
        repair.start(agent, card, now=counter.now, **given, **at_bridge)


def test_another_agent_who_goes_on_approves_it_too(
    counter: Counter, card: Card, holder: Person
) -> None:
    do(counter, start(counter, card), 1, PASSCODE)
    put_in_again(counter)
    start(counter, card, approved=False)  # the same agent
    counter.actor = an_agent(Role.RA_MANAGER, holder, counter.now)
    with pytest.raises(ApprovalNeeded):
        start(counter, card, approved=False)
    repaired(counter, card)


@pytest.mark.parametrize("role", [Role.SPONSOR, Role.LOCAL_ADMINISTRATOR, Role.ID_CHECKER])
def test_other_roles_do_not_repair(
    counter: Counter, card: Card, holder: Person, role: Role
) -> None:
    counter.actor = an_agent(role, holder, counter.now)
    with pytest.raises(NotAllowed):
        start(counter, card)


def test_a_card_out_of_reach_is_not_found(
    counter: Counter, card: Card, another_person: Person
) -> None:
    counter.actor = an_agent(Role.RA_AGENT, another_person, counter.now)
    with pytest.raises(NotFound):
        start(counter, card)


@pytest.fixture
def another_person(office: object) -> Person:
    return a_person()


@pytest.mark.parametrize("event", [CardEvent.SUSPEND, CardEvent.CANCEL])
def test_a_suspended_or_cancelled_card_is_not_repaired(
    counter: Counter, card: Card, event: CardEvent
) -> None:
    ticket = do(counter, start(counter, card), 1, PASSCODE)
    result = counter.page.step(ticket)
    card.apply(event, now=counter.now)
    db.session.commit()
    with pytest.raises(CardServiceRefused):
        counter.bring(ticket.operation, result)
    put_in_again(counter)
    with pytest.raises(CardServiceRefused):
        start(counter, card)


# Changed by other software


def other_guid(chip: CardState) -> None:
    chip.objects[objects.CHUID] = objects.Chuid(bytes(range(16))).encode()


def no_chuid(chip: CardState) -> None:
    del chip.objects[objects.CHUID]


def no_card_key(chip: CardState) -> None:
    del chip.keys["9e"]


def another_card_key(chip: CardState) -> None:
    chip.keys["9e"] = chip.keys["9a"]


def nothing_but_the_card_key(chip: CardState) -> None:
    chip.keys = {"9e": chip.keys["9e"]}
    chip.objects = {objects.CHUID: chip.objects[objects.CHUID]}


def everything(chip: CardState) -> None:
    chip.keys.clear()
    chip.objects.clear()


@pytest.mark.parametrize(
    "change",
    [other_guid, no_chuid, no_card_key, another_card_key, nothing_but_the_card_key, everything],
)
def test_what_other_software_did_to_a_card_is_put_right(
    counter: Counter, card: Card, change: Callable[[CardState], None]
) -> None:
    change_chip(counter, change)
    done = counter.run(start(counter, card), passcode=PASSCODE)
    assert isinstance(done, Finished), done
    must_be_sound(counter, card)
    counter.actor = None
    counter.sign_in(card)


def test_the_card_key_is_made_anew_only_where_it_is_gone(counter: Counter, card: Card) -> None:
    change_chip(counter, other_guid)
    repaired(counter, card)
    assert len([key for key in card.keys if key.slot == "9e"]) == 1
    event = db.session.query(AuditEvent).filter_by(event="card.repaired").one()
    assert event.facts["identifier_was"] == bytes(range(16)).hex()


def test_a_card_with_another_management_key_is_not_ours_to_repair(
    counter: Counter, card: Card
) -> None:
    def change(chip: CardState) -> None:
        chip.management_key = bytes(reversed(chip.management_key))

    change_chip(counter, change)
    answer = counter.run(start(counter, card), passcode=PASSCODE)
    assert isinstance(answer, CardAnswered)
    assert answer.facts["command"] == "answer-management"


def test_a_card_is_known_by_its_card_key_before_its_identifier(
    counter: Counter, card: Card
) -> None:
    read = counter.page.read_card(READER_1)
    certificates = {slot: wire.to_bytes(der) for slot, der in read["certificates"].items()}
    assert which_card("00" * 16, certificates) is card
    assert which_card(card.guid, {}) is card
    assert which_card(None, {"9a": certificates["9a"]}) is card
    assert which_card(None, {"9e": b"\x30\x00"}) is None
    assert which_card("00" * 16, {}) is None


# Cut off


@pytest.mark.parametrize("change", [None, no_card_key, other_guid])
@pytest.mark.parametrize("performed", [False, True], ids=["ticket lost", "answer lost"])
@pytest.mark.parametrize("steps", range(4))
def test_a_repair_cut_at_any_step_is_finished_by_the_agent(
    counter: Counter,
    card: Card,
    steps: int,
    performed: bool,
    change: Callable[[CardState], None] | None,
) -> None:
    if change is not None:
        change_chip(counter, change)
    ticket = do(counter, start(counter, card), steps, PASSCODE)
    if performed:
        counter.page.step(ticket, passcode=PASSCODE)
    put_in_again(counter)
    done = counter.run(start(counter, card, approved=False), passcode=PASSCODE)
    assert isinstance(done, Finished), done
    must_be_sound(counter, card)
    assert db.session.query(CardOperation).filter_by(kind=repair.KIND).count() == 1


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_repair_takes_the_place_of_a_renewal_that_was_cut_off(
    counter: Counter, holder: Person, steps: int
) -> None:
    counter.put_in()
    card = counter.issue(holder)
    make_older(counter, card, 700)
    counter.sign_in(card)
    do(counter, start_renewal(counter, card), steps, PASSCODE)
    put_in_again(counter)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now + timedelta(minutes=4))
    repaired(counter, card)
    renewal = db.session.query(CardOperation).filter_by(kind="renew").one()
    assert renewal.state is OperationState.ABANDONED
    held = [each for each in card.certificates if each.status is CertificateStatus.HELD]
    assert held == []
    counter.actor = None
    counter.sign_in(card)


@pytest.mark.parametrize(("steps", "in_doubt"), [(1, {Slot.SIGNATURE}), (2, set(PAIR_MADE))])
def test_a_repair_that_was_only_begun_leaves_in_doubt_what_a_renewal_had_asked_for(
    counter: Counter, holder: Person, steps: int, in_doubt: set[Slot]
) -> None:
    """The renewal's key was made, and nobody heard of it; the repair's first ticket is lost."""
    counter.put_in()
    card = counter.issue(holder)
    make_older(counter, card, 700)
    counter.sign_in(card)
    ticket = do(counter, start_renewal(counter, card), steps, PASSCODE)
    counter.page.step(ticket, passcode=PASSCODE)
    put_in_again(counter)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now + timedelta(minutes=4))
    start(counter, card)
    put_in_again(counter)
    assert {slot for slot in PAIR_MADE if key_on(card, slot) is None} == in_doubt
    if Slot.AUTHENTICATION in in_doubt:
        with pytest.raises(SignInRefused, match="unfinished"):
            counter.start_sign_in(card)
    else:
        counter.sign_in(card)
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now + timedelta(minutes=4))
    repaired(counter, card)
    assert all(key_on(card, slot) for slot in PAIR_MADE)
    counter.actor = None
    counter.sign_in(card)
