"""Renewing certificates: through the real bridge, on virtual cards, cut off at every step."""

from datetime import timedelta

import pytest

from app.card_operations import renew
from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.keys_on_card import key_row_on
from app.card_operations.refusals import (
    CardInHand,
    CardNotVerified,
    WorkstationNotEnrolled,
)
from app.domain.card_services import CardServiceRefused
from app.domain.errors import Conflict, NotAllowed, NotFound, TooEarly
from app.domain.roles import Role
from app.domain.statuses import CertificateStatus, OperationState, WorkstationStatus
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, Person
from reader_bridge.contract import Algorithm, Slot
from reader_bridge.virtual.behaviour import named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_1
from tests.parts.people import a_person
from tests.parts.renewing import (
    an_agent,
    do,
    expiring,
    must_be_renewed,
    must_be_sound,
    put_in_again,
    renewal_of,
    start_renewal,
)

DIGITS = "482913"


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """In the window, its holder signed in."""
    counter.put_in()
    card = expiring(counter, counter.issue(holder))
    counter.sign_in(card)
    return card


# The straight way


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_renewed_card_has_a_new_pair_and_its_old_one_is_superseded(
    counter: Counter, holder: Person, algorithm: Algorithm
) -> None:
    counter.put_in()
    card = expiring(counter, counter.issue(holder, algorithm=algorithm))
    counter.sign_in(card)
    done = counter.run(start_renewal(counter, card), passcode=PASSCODE)
    assert isinstance(done, Finished), done
    must_be_renewed(counter, card)
    assert {key.algorithm for key in card.keys} == {algorithm.value}
    assert done.facts["expires_on"] == str(card.expires_on)
    counter.sign_in(card)


def test_each_slot_keeps_its_own_algorithm(counter: Counter, holder: Person) -> None:
    counter.put_in()
    first = counter.start_issue(holder)
    row = db.session.query(CardOperation).one()
    row.facts["algorithms"] = {"9a": "RS256", "9c": "ES256", "9e": "ES256"}
    db.session.commit()
    assert isinstance(counter.run(first, new_passcode=PASSCODE), Finished)
    assert row.card is not None
    card = expiring(counter, row.card)
    counter.sign_in(card)
    counter.run(start_renewal(counter, card), passcode=PASSCODE)
    must_be_renewed(counter, card)
    made = {(key.slot, key.algorithm) for key in card.keys}
    assert made == {("9a", "RS256"), ("9c", "ES256"), ("9e", "ES256")}


@pytest.mark.parametrize("behaviour", ["plain-standard", "lenient", "token", "partial-writes"])
def test_every_make_of_card_can_be_renewed(
    counter: Counter, holder: Person, behaviour: str
) -> None:
    counter.put_in(behaviour)
    passcode = DIGITS if named(behaviour).digits_only else PASSCODE
    card = expiring(counter, counter.issue(holder, passcode))
    counter.sign_in(card, passcode)
    assert isinstance(counter.run(start_renewal(counter, card), passcode=passcode), Finished)
    must_be_renewed(counter, card)


def test_a_renewal_takes_at_most_five_round_trips(counter: Counter, card: Card) -> None:
    counter.run(start_renewal(counter, card), passcode=PASSCODE)
    assert len(renewal_of(card).steps) <= 4  # and the request for the first ticket


def test_the_event_keeps_the_cards_consent(counter: Counter, card: Card) -> None:
    counter.run(start_renewal(counter, card), passcode=PASSCODE)
    event = db.session.query(AuditEvent).filter_by(event="card.renewed").one()
    assert event.facts["consent"].count(".") == 2
    assert event.statement is not None
    assert event.facts["assisted"] is False
    assert event.actor_person_id == card.person_id


# Who may, and when


def test_before_the_window_the_day_on_which_it_opens_is_said(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    card = expiring(counter, counter.issue(holder), days_left=91)
    counter.sign_in(card)
    with pytest.raises(TooEarly) as error:
        start_renewal(counter, card)
    assert card.expires_on is not None
    assert error.value.facts["opens_on"] == card.expires_on - timedelta(days=90)


def test_every_third_renewal_needs_the_registration_authority(counter: Counter, card: Card) -> None:
    card.self_renewals_in_row = 2
    db.session.commit()
    with pytest.raises(CardServiceRefused, match="third-renewal"):
        start_renewal(counter, card)


def test_only_the_card_that_is_signed_in_is_renewed(counter: Counter, card: Card) -> None:
    assert counter.actor is not None
    with pytest.raises(Conflict, match="another-card"):
        renew.start_own(
            counter.actor,
            guid="00" * 16,
            office=counter.office,
            now=counter.now,
            **counter.at_the_bridge(),
        )


def test_a_pc_that_is_not_enrolled_makes_no_keys(counter: Counter, card: Card) -> None:
    counter.introduce(WorkstationStatus.SEEN)
    with pytest.raises(WorkstationNotEnrolled):
        start_renewal(counter, card)


def test_an_agent_renews_with_the_holder_and_the_count_starts_again(
    counter: Counter, card: Card, holder: Person
) -> None:
    card.self_renewals_in_row = 2
    db.session.commit()
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
    first = start_for(counter, card)
    assert isinstance(counter.run(first, passcode=PASSCODE), Finished)
    must_be_renewed(counter, card, self_renewals=0)
    event = db.session.query(AuditEvent).filter_by(event="card.renewed").one()
    assert event.actor_person_id == counter.actor.person_id
    assert event.facts["assisted"] is True


def start_for(counter: Counter, card: Card) -> NextTicket:
    assert counter.actor is not None
    return renew.start_for(
        counter.actor, card, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )


@pytest.mark.parametrize(
    ("role", "renewals", "refused"),
    [
        (Role.SPONSOR, 0, None),
        (Role.SPONSOR, 2, CardServiceRefused),
        (Role.LOCAL_ADMINISTRATOR, 0, None),
        (Role.ID_CHECKER, 0, NotAllowed),
        (Role.RA_AGENT, 2, None),
    ],
)
def test_which_roles_renew_and_which_the_third_time(
    counter: Counter,
    card: Card,
    holder: Person,
    role: Role,
    renewals: int,
    refused: type[Exception] | None,
) -> None:
    card.self_renewals_in_row = renewals
    db.session.commit()
    counter.actor = an_agent(role, holder, counter.now)
    if refused is None:
        start_for(counter, card)
    else:
        with pytest.raises(refused):
            start_for(counter, card)


def test_nobody_renews_their_own_card_as_an_agent(counter: Counter, card: Card) -> None:
    with pytest.raises(NotAllowed, match="own-card"):
        start_for(counter, card)


def test_a_card_out_of_the_agents_reach_is_not_found(counter: Counter, card: Card) -> None:
    counter.actor = an_agent(Role.RA_AGENT, a_person(), counter.now)
    with pytest.raises(NotFound):
        start_for(counter, card)


# What a card says


def test_a_wrong_passcode_changes_nothing_and_may_be_typed_again(
    counter: Counter, card: Card
) -> None:
    answer = counter.run(start_renewal(counter, card), passcode="wrong-99")
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts["left"]) == ("wrong-passcode", 2)
    must_be_sound(counter, card)
    assert isinstance(counter.run(counter.ticket(answer.operation), passcode=PASSCODE), Finished)
    must_be_renewed(counter, card)


def test_a_card_whose_management_key_is_another_keeps_its_certificates(
    counter: Counter, card: Card
) -> None:
    chip = counter.chip()
    right, chip.management_key = chip.management_key, bytes(reversed(chip.management_key))
    chip.save()
    put_in_again(counter)
    counter.sign_in(card)
    answer = counter.run(start_renewal(counter, card), passcode=PASSCODE)
    assert isinstance(answer, CardAnswered)
    assert answer.facts["command"] == "answer-management"
    chip = counter.chip()
    chip.management_key = right
    chip.save()
    must_be_sound(counter, card)
    counter.sign_in(card)


def test_a_key_that_the_one_before_it_does_not_endorse_is_not_believed(
    counter: Counter, card: Card
) -> None:
    ticket = do(counter, start_renewal(counter, card), 1, PASSCODE)
    result = counter.page.step(ticket)
    answered = result["results"]
    answered[2], answered[3] = answered[3], answered[2]  # and a receipt for something else
    with pytest.raises(CardNotVerified):
        counter.bring(ticket.operation, result)
    assert not [each for each in card.certificates if each.status is CertificateStatus.HELD]
    assert renewal_of(card).state is OperationState.WAITING


def test_the_bridge_and_the_card_must_both_know_the_management_key(
    counter: Counter, card: Card
) -> None:
    ticket = do(counter, start_renewal(counter, card), 1, PASSCODE)
    row = renewal_of(card)
    row.facts["challenge"] = "AAAAAAAAAAAAAAAAAAAAAA"
    db.session.commit()
    with pytest.raises(CardNotVerified):
        counter.bring(ticket.operation, counter.page.step(ticket))


# Two at once


def test_an_agent_goes_on_with_what_the_holder_began(
    counter: Counter, card: Card, holder: Person
) -> None:
    do(counter, start_renewal(counter, card), 2, PASSCODE)
    counter.page.desk("remove", reader=READER_1)
    counter.page.desk("insert", card="one", reader=READER_1)
    counter.actor = an_agent(Role.SPONSOR, holder, counter.now)
    assert isinstance(counter.run(start_for(counter, card), passcode=PASSCODE), Finished)
    must_be_renewed(counter, card, self_renewals=0)


def test_somebody_at_work_on_the_card_elsewhere_is_not_disturbed(
    counter: Counter, card: Card, holder: Person
) -> None:
    do(counter, start_renewal(counter, card), 1, PASSCODE)
    row = renewal_of(card)
    row.browser = "another" * 8
    db.session.commit()
    counter.actor = an_agent(Role.RA_AGENT, holder, counter.now)
    with pytest.raises(CardInHand):
        start_for(counter, card)


def test_what_a_slot_holds_is_unknown_while_its_new_key_is_not_proven(
    counter: Counter, card: Card
) -> None:
    ticket = do(counter, start_renewal(counter, card), 1, PASSCODE)
    assert key_row_on(card, Slot.SIGNATURE) is None
    assert key_row_on(card, Slot.AUTHENTICATION) is not None
    do(counter, ticket, 1, PASSCODE)
    made = key_row_on(card, Slot.SIGNATURE)
    assert made is not None
    assert made.created_at > card.keys[0].created_at
    assert key_row_on(card, Slot.AUTHENTICATION) is None
