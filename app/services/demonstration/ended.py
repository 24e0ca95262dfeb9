"""Cards of the demonstration that somebody has suspended or cancelled, or whose holder has left."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from app import audit
from app.card_operations.certificates import revoke
from app.domain.card_lifecycle import CardEvent
from app.domain.revocation import RevocationReason
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.models import Card, Person
from app.services.demonstration.cards import PlannedState

_EVENTS = {
    PlannedState.SUSPENDED: (CardEvent.SUSPEND, "card.suspended"),
    PlannedState.CANCELLED: (CardEvent.CANCEL, "card.cancelled"),
}


@contextmanager
def before_leaving(person: Person) -> Iterator[None]:
    """Go back to when this person still worked: nobody is issued a card whose account is closed."""
    status, number = person.status, person.id
    person.status = PersonStatus.OPEN
    db.session.commit()
    try:
        yield
    finally:
        db.session.rollback()
        db.session.get_one(Person, number).status = status
        db.session.commit()


def bring_to_an_end(card: Card, state: PlannedState, *, now: datetime) -> None:
    """Suspend or cancel a card whose plan says so. A cancelled card's certificates are revoked."""
    if state not in _EVENTS:
        return
    event, name = _EVENTS[state]
    card.apply(event, now=now)
    if event is CardEvent.CANCEL:
        for certificate in card.certificates:
            revoke(certificate, RevocationReason.AFFILIATION_CHANGED, now)
    audit.record(
        name,
        outcome=Outcome.DONE,
        actor=None,
        subject_person_id=card.person_id,
        subject_card_id=card.id,
        now=now,
        reason="demonstration",
    )
    db.session.commit()
