"""What happens between the card's proof and the beginning of the session."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.card_operations.answers import Waiting
from app.card_operations.refusals import OperationOver
from app.domain.card_lifecycle import CardEvent
from app.domain.errors import SignInRefused
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.models import AuditEvent, Card, Person, Session
from app.services import sign_in, terms
from app.services.sign_in import AcceptTerms, ChooseRole, SignedIn
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.people import an_assignment


@pytest.fixture
def card(counter: Counter, holder: Person) -> Card:
    counter.put_in()
    return counter.issue(holder)


def proven(counter: Counter, card: Card) -> str:
    answer = counter.run(counter.start_sign_in(card), passcode=PASSCODE)
    assert isinstance(answer, Waiting), answer
    return answer.operation


def proceed(counter: Counter, operation: str, later: timedelta = timedelta(0)) -> sign_in.Next:
    return sign_in.proceed(operation, browser=counter.page.browser, now=counter.now + later)


def how_many_sessions() -> int:
    return db.session.scalar(select(func.count()).select_from(Session)) or 0


def test_a_proof_left_lying_signs_nobody_in(counter: Counter, card: Card) -> None:
    """Whoever comes back to an open sign-in later may no longer have the card."""
    operation = proven(counter, card)
    for _ in range(2):  # and it stays over
        with pytest.raises(OperationOver):
            proceed(counter, operation, timedelta(minutes=6))
    with pytest.raises(OperationOver):
        proceed(counter, operation)
    assert how_many_sessions() == 0


def test_a_role_is_chosen_while_the_proof_is_fresh(counter: Counter, card: Card) -> None:
    assert card.person is not None
    first, _ = an_assignment(card.person), an_assignment(card.person)
    operation = proven(counter, card)
    assert isinstance(proceed(counter, operation, timedelta(minutes=4)), ChooseRole)
    with pytest.raises(OperationOver):
        sign_in.choose_role(
            operation,
            first.id,
            browser=counter.page.browser,
            now=counter.now + timedelta(minutes=6),
        )
    assert how_many_sessions() == 0


def test_the_terms_are_read_as_long_as_it_takes_since_the_card_signs_once_more(
    counter: Counter, card: Card
) -> None:
    terms.publish(title="Terms", text="Be careful.", actor=None, now=counter.now)
    operation = proven(counter, card)
    assert isinstance(proceed(counter, operation, timedelta(hours=1)), AcceptTerms)
    ticket = sign_in.accept_terms(
        operation, version=1, office=counter.office, now=counter.now, **counter.at_the_bridge()
    )
    counter.run(ticket, passcode=PASSCODE)
    assert isinstance(proceed(counter, operation, timedelta(minutes=4)), SignedIn)


@pytest.mark.parametrize("what", ["cancelled", "suspended", "account-closed"])
def test_what_is_decided_while_somebody_signs_in_counts(
    counter: Counter, card: Card, what: str
) -> None:
    operation = proven(counter, card)
    assert card.person is not None
    if what == "account-closed":
        card.person.status = PersonStatus.CLOSED
    else:
        event = CardEvent.CANCEL if what == "cancelled" else CardEvent.SUSPEND
        card.apply(event, now=counter.now)
    db.session.commit()
    with pytest.raises(SignInRefused, match=what):
        proceed(counter, operation)
    with pytest.raises(OperationOver):
        proceed(counter, operation)
    assert how_many_sessions() == 0
    (event_row,) = db.session.scalars(select(AuditEvent).where(AuditEvent.event == "sign-in"))
    assert (event_row.outcome, event_row.facts["reason"]) == (Outcome.REFUSED, what)
