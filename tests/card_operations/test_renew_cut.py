"""A renewal that was cut off, or overtaken by what was decided meanwhile, and its way forward."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.card_operations import journal, renew, sealed
from app.card_operations.answers import CardAnswered, Finished, NextTicket
from app.card_operations.management import ManagementKey
from app.card_operations.refusals import CardNotVerified, StepPassed, VouchingKeyEnded
from app.domain.card_lifecycle import CardEvent
from app.domain.card_services import CardServiceRefused
from app.domain.statuses import OperationState, PersonStatus, SessionEnd
from app.extensions import db
from app.models import (
    AuditEvent,
    BridgeConnection,
    Card,
    CardOperation,
    CardOperationStep,
    OutboxMessage,
    Person,
    Session,
    TermsVersion,
)
from app.services import sessions
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.renewing import (
    continue_at_sign_in,
    do,
    expiring,
    must_be_renewed,
    put_in_again,
    renewal_of,
    start_renewal,
    way_forward,
)


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    """In the window, its holder signed in."""
    counter.put_in()
    card = expiring(counter, counter.issue(holder))
    counter.sign_in(card)
    return card


def a_long_conversation() -> None:
    """The service remembers the page's bridge for a month."""
    for connection in db.session.query(BridgeConnection):
        connection.expires_at += timedelta(days=31)
    db.session.commit()


@pytest.mark.parametrize("performed", [False, True], ids=["ticket lost", "answer lost"])
@pytest.mark.parametrize("steps", range(4))
def test_a_renewal_cut_at_any_step_is_finished_by_the_holder(
    counter: Counter, card: Card, steps: int, performed: bool
) -> None:
    ticket = do(counter, start_renewal(counter, card), steps, PASSCODE)
    if performed:
        counter.page.step(ticket, passcode=PASSCODE)
    put_in_again(counter)
    # C1 is issued after two steps, A1 after three: in between only C1 is known to be in the card.
    assert (renew.interrupted(card.guid) is not None) == (steps == 2)
    answer = way_forward(counter, card, PASSCODE)
    assert isinstance(answer, Finished), answer
    must_be_renewed(counter, card)
    assert db.session.query(CardOperation).filter_by(kind=renew.KIND).count() == 1
    counter.actor = None
    counter.sign_in(card)


def test_what_is_certified_is_written_again_and_not_made_again(
    counter: Counter, card: Card
) -> None:
    do(counter, start_renewal(counter, card), 3, PASSCODE)
    put_in_again(counter)
    way_forward(counter, card, PASSCODE)
    for slot in ("9a", "9c"):
        made = [key for key in card.keys if key.slot == slot]
        assert len(made) == 2


def test_the_new_authentication_key_signs_in_before_its_certificate_is_written(
    counter: Counter, card: Card
) -> None:
    do(counter, start_renewal(counter, card), 3, PASSCODE)
    put_in_again(counter)
    counter.actor = None
    counter.sign_in(card)


def test_whoever_signs_in_again_in_a_new_browser_goes_on_at_once(
    counter: Counter, card: Card
) -> None:
    do(counter, start_renewal(counter, card), 1, PASSCODE)
    row = renewal_of(card)
    assert row.session_id is not None
    row.browser = "gone" * 16
    sessions.end(row.session_id, SessionEnd.CARD_REMOVED, counter.now)
    put_in_again(counter)
    assert isinstance(way_forward(counter, card, PASSCODE), Finished)
    must_be_renewed(counter, card)


def test_c1_opens_the_operation_and_no_session(counter: Counter, card: Card) -> None:
    do(counter, start_renewal(counter, card), 2, PASSCODE)
    put_in_again(counter)
    counter.actor = None
    begun = continue_at_sign_in(counter, card)
    assert renewal_of(card).session_id is None
    assert isinstance(counter.run(begun, passcode=PASSCODE), Finished)
    must_be_renewed(counter, card)


def test_a_wrong_passcode_at_sign_in_leaves_it_to_be_continued(
    counter: Counter, card: Card
) -> None:
    do(counter, start_renewal(counter, card), 2, PASSCODE)
    put_in_again(counter)
    answer = counter.run(continue_at_sign_in(counter, card), passcode="wrong-99")
    assert isinstance(answer, CardAnswered)
    assert answer.code == "wrong-passcode"
    assert isinstance(way_forward(counter, card, PASSCODE), Finished)
    must_be_renewed(counter, card)


def test_a_renewal_begun_in_the_window_is_continued_after_it(
    counter: Counter, holder: Person
) -> None:
    counter.put_in()
    card = expiring(counter, counter.issue(holder), days_left=0)
    counter.sign_in(card)
    do(counter, start_renewal(counter, card), 2, PASSCODE)
    put_in_again(counter)
    tomorrow = counter.now + timedelta(days=1)
    a_long_conversation()
    begun = renew.continue_at_sign_in(
        card.guid, office=counter.office, now=tomorrow, **counter.at_the_bridge()
    )
    assert begun.kind == renew.KIND


def test_before_c1_is_issued_an_expired_card_is_for_repair(counter: Counter, card: Card) -> None:
    ticket = start_renewal(counter, card)
    later = counter.now + timedelta(days=21)
    a_long_conversation()
    with pytest.raises(VouchingKeyEnded):
        journal.ticket(
            ticket.operation,
            actor=counter.actor,
            office=counter.office,
            now=later,
            **counter.at_the_bridge(),
        )


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("event", [CardEvent.SUSPEND, CardEvent.CANCEL])
def test_a_card_that_is_suspended_or_cancelled_meanwhile_is_not_renewed(
    counter: Counter, card: Card, steps: int, event: CardEvent
) -> None:
    ticket = do(counter, start_renewal(counter, card), steps, PASSCODE)
    result = counter.page.step(ticket, passcode=PASSCODE)
    before = card.expires_on
    card.apply(event, now=counter.now)
    db.session.commit()
    with pytest.raises(CardServiceRefused):
        counter.bring(ticket.operation, result)
    db.session.refresh(card)
    assert card.expires_on == before
    assert renewal_of(card).state is OperationState.WAITING


def test_a_suspended_card_is_renewed_when_it_is_resumed(counter: Counter, card: Card) -> None:
    do(counter, start_renewal(counter, card), 2, PASSCODE)
    card.apply(CardEvent.SUSPEND, now=counter.now)
    db.session.commit()
    put_in_again(counter)
    assert not renew.goes_on_at_sign_in(card.guid)  # it is told why
    with pytest.raises(CardServiceRefused, match="suspended"):
        continue_at_sign_in(counter, card)
    card.apply(CardEvent.RESUME, now=counter.now)
    db.session.commit()
    assert renew.goes_on_at_sign_in(card.guid)
    assert isinstance(way_forward(counter, card, PASSCODE), Finished)
    must_be_renewed(counter, card)


def test_a_closed_account_is_not_renewed(counter: Counter, card: Card) -> None:
    ticket = do(counter, start_renewal(counter, card), 1, PASSCODE)
    result = counter.page.step(ticket)
    assert card.person is not None
    card.person.status = PersonStatus.CLOSED
    db.session.commit()
    with pytest.raises(CardServiceRefused, match="holder-closed"):
        counter.bring(ticket.operation, result)


# Meanwhile


def test_terms_that_are_due_wait_while_the_signature_key_is_in_doubt(
    counter: Counter, card: Card
) -> None:
    do(counter, start_renewal(counter, card), 1, PASSCODE)
    db.session.add(
        TermsVersion(
            version=1, title="Terms", text="Text", sha256="0" * 64, published_at=counter.now
        )
    )
    db.session.commit()
    put_in_again(counter)
    counter.sign_in(card)  # and is not asked to sign with a key that nobody knows
    assert isinstance(counter.run(start_renewal(counter, card), passcode=PASSCODE), Finished)
    must_be_renewed(counter, card)


def test_a_card_whose_management_key_was_replaced_is_refused_and_its_renewal_stands_still(
    counter: Counter, card: Card
) -> None:
    other = "AES256" if card.management_algorithm == "AES128" else "AES128"
    sealed.keep_management_key(counter.office.vault, card, ManagementKey.random(other))
    db.session.commit()
    with pytest.raises(CardNotVerified):
        counter.run(start_renewal(counter, card), passcode=PASSCODE)
    renewal = renewal_of(card)
    assert renewal.state is OperationState.WAITING
    event = db.session.scalars(select(AuditEvent).filter_by(event="card.renew")).one()
    assert event.facts["problem"] == "algorithm"


def test_every_statement_of_a_renewal_shows_that_the_card_is_there(
    counter: Counter, card: Card
) -> None:
    assert counter.actor is not None
    session = db.session.get_one(Session, counter.actor.session_id)
    ticket = start_renewal(counter, card)
    for _ in range(4):
        session.last_presence_at = long_ago = counter.now - timedelta(minutes=2)
        db.session.commit()
        answer = counter.bring(ticket.operation, counter.page.step(ticket, passcode=PASSCODE))
        db.session.refresh(session)
        assert session.last_presence_at > long_ago
        if isinstance(answer, NextTicket):
            ticket = answer
    assert isinstance(answer, Finished)


def test_a_late_answer_to_a_step_that_was_begun_anew_counts_no_more(
    counter: Counter, card: Card
) -> None:
    ticket = do(counter, start_renewal(counter, card), 1, PASSCODE)
    late = counter.page.step(ticket)
    again = start_renewal(counter, card)
    with pytest.raises(StepPassed):
        counter.bring(ticket.operation, late)
    assert isinstance(counter.run(again, passcode=PASSCODE), Finished)
    must_be_renewed(counter, card)


def test_a_renewal_that_was_tried_very_often_goes_on_under_another_name(
    counter: Counter, card: Card
) -> None:
    do(counter, start_renewal(counter, card), 2, PASSCODE)
    first = renewal_of(card)
    for number in range(len(first.steps) + 1, journal.MANY_STEPS + 1):
        first.steps.append(
            CardOperationStep(number=number, name="open", jti=str(number), ticket_at=counter.now)
        )
    db.session.commit()
    put_in_again(counter)
    assert isinstance(way_forward(counter, card, PASSCODE), Finished)
    must_be_renewed(counter, card)
    assert first.state is OperationState.ABANDONED


def test_the_holder_is_told_by_mail(counter: Counter, card: Card) -> None:
    assert card.person is not None
    card.person.email = "ada@northmere.nhs.uk"
    db.session.commit()
    counter.run(start_renewal(counter, card), passcode=PASSCODE)
    message = db.session.query(OutboxMessage).one()
    assert (message.to, message.template) == (card.person.email, "certificates-renewed")
    assert "Your passcode has stayed the same" in message.body_text
