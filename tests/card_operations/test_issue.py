"""Issuing a card: through the real bridge, on virtual cards that differ as real ones do."""

from collections import Counter as Tally
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.card_operations import issue, journal, sealed
from app.card_operations.answers import CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.makes import factory_settings
from app.card_operations.office import Office
from app.card_operations.refusals import (
    FactoryKeyFixed,
    VirtualCardRefused,
    WorkstationNotEnrolled,
)
from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardServiceRefused
from app.domain.errors import Conflict, NotSignedIn
from app.domain.requests import RequestState
from app.domain.roles import Role
from app.domain.statuses import (
    CertificateStatus,
    KeyState,
    OperationState,
    PersonStatus,
    WorkstationStatus,
)
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, Person
from app.services import requests
from reader_bridge.contract import Algorithm
from reader_bridge.piv import profiles
from reader_bridge.virtual.behaviour import BEHAVIOURS, Tear, named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_1
from tests.parts.people import a_person, a_principal

SLOTS = {"9a", "9c", "9e"}
DIGITS = "482913"


def must_be_issued(counter: Counter, card: Card, passcode: str = PASSCODE) -> None:
    """What the service believes, and what is in the chip, are one and the same."""
    db.session.refresh(card)
    assert card.status is CardStatus.ISSUED
    current = {(key.slot, key.state) for key in card.keys if key.state is KeyState.CURRENT}
    assert current == {(slot, KeyState.CURRENT) for slot in SLOTS}
    active = {
        each.slot: each.der for each in card.certificates if each.status is CertificateStatus.ACTIVE
    }
    assert set(active) == SLOTS
    chip = counter.chip()
    vault = counter.office.vault
    assert chip.guid is not None
    assert chip.guid.hex() == card.guid
    assert chip.management_key == sealed.management_key(vault, card).key
    assert card.puk_sealed is not None
    puk = vault.open(card.puk_sealed, table="card", column="puk_sealed", row=card.guid)
    assert chip.puk.value == puk
    assert chip.passcode.value.rstrip(b"\xff") == passcode.encode()
    read = counter.page.read_card(READER_1)
    assert set(read["certificates"]) == SLOTS


def put_in_again(counter: Counter) -> None:
    counter.page.desk("remove", reader=READER_1)
    counter.page.desk("insert", card="one", reader=READER_1)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_an_issued_card_has_three_keys_with_active_certificates(
    counter: Counter, holder: Person, algorithm: Algorithm
) -> None:
    counter.put_in()
    card = counter.issue(holder, algorithm=algorithm)
    must_be_issued(counter, card)
    assert {key.algorithm for key in card.keys} == {algorithm.value}
    assert card.person == holder
    assert card.expires_on is not None
    assert counter.chip().passcode.tries == 3
    assert counter.chip().puk.tries == 10


def test_whoever_waited_for_a_card_waits_no_more_once_it_is_issued(
    counter: Counter, holder: Person
) -> None:
    asked = requests.file_card_request(holder, card=None, reason="lost", by=None, now=counter.now)
    db.session.commit()
    counter.put_in()
    counter.issue(holder)
    db.session.refresh(asked)
    assert asked.state is RequestState.DONE


@pytest.mark.parametrize("behaviour", sorted(set(BEHAVIOURS) - {"default", "slow-keys"}))
def test_every_make_of_card_can_be_issued(counter: Counter, holder: Person, behaviour: str) -> None:
    counter.put_in(behaviour)
    passcode = DIGITS if named(behaviour).digits_only else PASSCODE
    card = counter.issue(holder, passcode)
    must_be_issued(counter, card, passcode)


def test_a_management_key_that_stays_the_factorys_is_for_virtual_cards_alone(
    counter: Counter, holder: Person
) -> None:
    counter.put_in("fixed-management-key")
    first = counter.start_issue(holder)
    card = db.session.scalars(select(Card)).one()
    card.virtual = False
    db.session.commit()
    with pytest.raises(FactoryKeyFixed):
        counter.run(first, new_passcode=PASSCODE)


def test_secrets_are_in_the_journal_before_anything_is_sent_and_sealed(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    counter.start_issue(holder)
    card = db.session.scalars(select(Card)).one()
    assert card.status is CardStatus.BLANK
    puk = sealed.pending_puk(counter.office.vault, card)
    assert puk.isdigit()
    assert len(puk) == 8
    assert puk.encode() not in (card.puk_pending_sealed or b"")


def test_a_passcode_that_breaks_the_rule_leaves_the_card_to_be_continued(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    answer = counter.run(counter.start_issue(holder), new_passcode="1234")
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts["rule"]) == ("passcode-refused", "run")
    must_be_issued(counter, counter.issue(holder))


def test_an_issue_begun_in_a_session_that_is_over_is_gone_on_with_in_another(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    agent = a_principal(Role.RA_AGENT, counter.now)
    begun = counter.start_issue(holder)
    row = db.session.scalars(
        select(CardOperation).where(CardOperation.public_id == begun.operation)
    ).one()
    row.session_id = agent.session_id
    db.session.commit()
    with pytest.raises(NotSignedIn):
        counter.ticket(begun.operation)
    must_be_issued(counter, counter.issue(holder))
    assert row.session_id is None


@pytest.mark.parametrize("performed", [False, True], ids=["ticket lost", "answer lost"])
@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("algorithm", [Algorithm.ES256])
def test_an_issue_cut_at_any_step_is_finished_by_running_it_again(
    counter: Counter, holder: Person, steps: int, performed: bool, algorithm: Algorithm
) -> None:
    counter.put_in()
    ticket = counter.start_issue(holder, algorithm)
    for _ in range(steps):
        answer = counter.bring(ticket.operation, counter.page.step(ticket, new_passcode=PASSCODE))
        assert isinstance(answer, NextTicket)
        ticket = answer
    if performed:
        counter.page.step(ticket, new_passcode=PASSCODE)
    put_in_again(counter)
    card = counter.issue(holder)
    must_be_issued(counter, card)
    assert db.session.query(Card).count() == 1
    assert db.session.query(CardOperation).count() == 1


AFTER_READING = 16  # commands that reading the card takes


# One in nine of the commands that issuing sends.
@pytest.mark.parametrize("takes_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(AFTER_READING, 70, 9))
def test_a_card_torn_out_at_any_command_is_issued_when_it_is_put_in_again(
    counter: Counter, holder: Person, at: int, takes_effect: bool
) -> None:
    torn(counter, holder, at, takes_effect)


def torn(counter: Counter, holder: Person, at: int, takes_effect: bool) -> None:
    counter.put_in(replace(named("partial-writes"), tear=Tear(at, takes_effect)))
    first = counter.start_issue(holder)
    answer = counter.run(first, new_passcode=PASSCODE)
    if not isinstance(answer, Finished):
        assert isinstance(answer, CardAnswered | Waiting)
        counter.page.desk("insert", card="one", reader=READER_1)
        must_be_issued(counter, counter.issue(holder))


def after_four_steps(counter: Counter, holder: Person) -> NextTicket:
    """9E and 9C are certified; 9C's certificate is not written yet."""
    ticket = counter.start_issue(holder)
    for _ in range(4):
        answer = counter.bring(ticket.operation, counter.page.step(ticket, new_passcode=PASSCODE))
        assert isinstance(answer, NextTicket)
        ticket = answer
    return ticket


def test_what_a_cut_issue_had_certified_is_written_again_and_not_made_again(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    after_four_steps(counter, holder)
    put_in_again(counter)
    card = counter.issue(holder)
    assert Tally(each.slot for each in card.certificates) == {"9a": 1, "9c": 1, "9e": 1}


def test_no_card_is_issued_to_somebody_whose_account_was_closed_meanwhile(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    ticket = counter.start_issue(holder)
    holder.status = PersonStatus.CLOSED
    db.session.commit()
    with pytest.raises(CardServiceRefused, match="holder-closed"):
        counter.run(ticket, new_passcode=PASSCODE)
    card = db.session.scalars(select(Card)).one()
    assert card.status is CardStatus.BLANK
    assert {each.status for each in card.certificates} <= {CertificateStatus.HELD}
    holder.status = PersonStatus.OPEN
    db.session.commit()
    must_be_issued(counter, counter.issue(holder))


def test_a_card_is_issued_once(counter: Counter, holder: Person) -> None:
    counter.put_in()
    counter.issue(holder)
    with pytest.raises(Conflict, match="card-already-issued"):
        counter.start_issue(a_person())


def test_a_new_card_cancels_the_older_one_of_its_holder_once_it_is_proven(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    older = counter.issue(holder)
    counter.put_in(name="two")
    ticket = counter.start_issue(holder)
    db.session.refresh(older)
    assert older.status is CardStatus.ISSUED
    done = counter.run(ticket, new_passcode=PASSCODE)
    assert isinstance(done, Finished)
    db.session.refresh(older)
    assert older.status is CardStatus.CANCELLED
    assert {each.status for each in older.certificates} == {CertificateStatus.REVOKED}


def test_only_an_enrolled_pc_is_sent_a_cards_secrets(counter: Counter, holder: Person) -> None:
    counter.introduce(WorkstationStatus.SEEN)
    counter.put_in()
    with pytest.raises(WorkstationNotEnrolled):
        counter.start_issue(holder)


def test_a_virtual_card_is_refused_where_only_real_ones_are_allowed(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    counter.office.config["ALLOW_VIRTUAL_CARDS"] = False
    with pytest.raises(VirtualCardRefused):
        counter.start_issue(holder)


def test_giving_up_revokes_what_was_held_and_is_recorded(counter: Counter, holder: Person) -> None:
    counter.put_in()
    ticket = after_four_steps(counter, holder)
    begun = journal.find(ticket.operation, browser=counter.page.browser)
    issue.give_up(begun, actor=None, now=counter.now)
    db.session.commit()
    card = db.session.scalars(select(Card)).one()
    assert card.status is CardStatus.BLANK
    assert {each.status for each in card.certificates} == {CertificateStatus.REVOKED}
    operation = db.session.scalars(select(CardOperation)).one()
    assert operation.state is OperationState.ABANDONED
    assert db.session.scalar(select(AuditEvent.event).where(AuditEvent.event == "card.issue"))


def test_the_service_and_the_bridge_know_the_same_factory_settings(office: Office) -> None:
    for profile in profiles.PROFILES:
        ours = factory_settings(profile.name)
        known = {(key.algorithm, key.key) for key in ours.keys}
        assert {(key.algorithm, key.key) for key in profile.factory_keys} <= known
        assert ours.passcode in profile.factory_passcodes
        assert ours.puk in profile.factory_puks
