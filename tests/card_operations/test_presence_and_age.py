"""The card says that it is still there; and a demonstration's card grows older."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.card_operations import age, presence
from app.card_operations.answers import CardAnswered, Finished, NextTicket, Waiting
from app.card_operations.refusals import CardNotVerified
from app.domain.card_lifecycle import CardEvent
from app.domain.errors import NotAllowed, SignInRefused, TransitionRefused
from app.domain.statuses import CertificateStatus
from app.extensions import db
from app.models import AuditEvent, Card, Person, Session
from reader_bridge.contract import Algorithm
from tests.card_operations.conftest import Counter
from tests.parts.bridge import READER_1
from tests.parts.people import a_card, a_person

DAYS = 710


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    return counter.issue(holder)


def start_presence(counter: Counter) -> NextTicket:
    assert counter.actor is not None
    return presence.start(
        counter.actor,
        sid=counter.page.sid,
        browser=counter.page.browser,
        office=counter.office,
        now=counter.now,
    )


def start_age(counter: Counter, card: Card, days: int = DAYS) -> NextTicket:
    return age.start(
        card, days, actor=None, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )


def test_a_card_proves_its_presence_without_a_passcode(counter: Counter, card: Card) -> None:
    actor = counter.sign_in(card)
    session = db.session.get_one(Session, actor.session_id)
    before = session.last_presence_at
    assert isinstance(counter.run(start_presence(counter)), Finished)
    db.session.refresh(session)
    assert session.last_presence_at > before


def test_a_card_that_is_gone_proves_nothing(counter: Counter, card: Card) -> None:
    actor = counter.sign_in(card)
    before = db.session.get_one(Session, actor.session_id).last_presence_at
    ticket = start_presence(counter)
    counter.page.desk("remove", reader=READER_1)
    answer = counter.run(ticket)
    assert isinstance(answer, CardAnswered)
    assert answer.code == "card-removed"
    assert db.session.get_one(Session, actor.session_id).last_presence_at == before


def test_the_proof_of_a_session_that_has_ended_brings_nothing_back(
    counter: Counter, card: Card
) -> None:
    actor = counter.sign_in(card)
    result = counter.page.step(ticket := start_presence(counter))
    session = db.session.get_one(Session, actor.session_id)
    before, session.ended_at = session.last_presence_at, counter.now
    db.session.commit()
    counter.bring(ticket.operation, result)
    db.session.refresh(session)
    assert session.last_presence_at == before


def test_another_card_than_the_sessions_says_nothing_of_it(counter: Counter, card: Card) -> None:
    actor = counter.sign_in(card)
    before = db.session.get_one(Session, actor.session_id).last_presence_at
    another = a_card(a_person())
    db.session.get_one(Session, actor.session_id).card_id = another.id
    db.session.commit()
    assert isinstance(counter.run(start_presence(counter)), Finished)
    assert db.session.get_one(Session, actor.session_id).last_presence_at == before


def test_a_session_that_ends_gets_no_further_ticket_for_its_operation(
    counter: Counter, card: Card
) -> None:
    actor = counter.sign_in(card)
    first = age.start(
        card, DAYS, actor=actor, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    counter.actor = None
    answer = counter.run(first)
    assert isinstance(answer, Waiting)
    assert answer.reason == "not-signed-in"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_an_aged_card_carries_certificates_that_expire_earlier(
    counter: Counter, holder: Person, algorithm: Algorithm
) -> None:
    counter.put_in()
    card = counter.issue(holder, algorithm=algorithm)
    expires_on = card.expires_on
    assert expires_on is not None
    assert isinstance(counter.run(start_age(counter, card)), Finished)
    db.session.refresh(card)
    assert card.expires_on == expires_on - timedelta(days=DAYS)
    active = {
        each.slot: each.der for each in card.certificates if each.status is CertificateStatus.ACTIVE
    }
    read = counter.page.read_card(READER_1)["certificates"]
    assert set(read) == set(active) == {"9a", "9c", "9e"}
    counter.sign_in(card)
    assert db.session.scalar(
        select(AuditEvent.facts).where(AuditEvent.event == "demonstration.card-aged")
    )


def test_ageing_adds_up_to_expiry(counter: Counter, card: Card) -> None:
    counter.run(start_age(counter, card, 700))
    counter.run(start_age(counter, card, 31))
    with pytest.raises(SignInRefused, match="expired"):
        counter.start_sign_in(card)


def test_an_ageing_cut_in_the_middle_may_be_run_again(counter: Counter, card: Card) -> None:
    ticket = start_age(counter, card)
    answer = counter.bring(ticket.operation, counter.page.step(ticket))
    assert isinstance(answer, NextTicket)
    counter.page.step(answer)
    counter.page.desk("remove", reader=READER_1)
    counter.page.desk("insert", card="one", reader=READER_1)
    assert isinstance(counter.run(counter.ticket(ticket.operation)), Finished)
    states = [each.status for each in card.certificates if each.slot == "9a"]
    assert sorted(states) == ["active", "revoked", "revoked"]


def test_a_card_whose_management_key_is_another_is_not_believed(
    counter: Counter, card: Card
) -> None:
    chip = counter.chip()
    chip.management_key = bytes(reversed(chip.management_key))
    chip.save()
    counter.page.desk("insert", card="one", reader=READER_1)
    answer = counter.run(start_age(counter, card))
    assert isinstance(answer, CardAnswered)
    assert (answer.code, answer.facts["command"]) == ("card-refused", "answer-management")


def test_a_false_response_to_the_challenge_is_not_believed(counter: Counter, card: Card) -> None:
    ticket = start_age(counter, card)
    answer = counter.bring(ticket.operation, counter.page.step(ticket))
    assert isinstance(answer, NextTicket)
    operation = age.journal.find(answer.operation, browser=counter.page.browser)
    operation.facts["challenge"] = "AAAAAAAAAAAAAAAAAAAAAA"  # as if another had been sent
    db.session.commit()
    result = counter.page.step(answer)
    with pytest.raises(CardNotVerified):
        counter.bring(answer.operation, result)


def test_only_an_issued_card_of_a_demonstration_grows_older(counter: Counter, card: Card) -> None:
    card.apply(CardEvent.SUSPEND, now=counter.now)
    with pytest.raises(TransitionRefused):
        start_age(counter, card)
    counter.office.config["DEMONSTRATION"] = False
    with pytest.raises(NotAllowed):
        start_age(counter, card)
