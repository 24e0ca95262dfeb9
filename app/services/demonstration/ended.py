"""Cards of the demonstration that somebody has suspended or cancelled."""

from datetime import datetime

from app import audit
from app.card_operations.certificates import revoke
from app.domain.card_lifecycle import CardEvent
from app.domain.revocation import RevocationReason
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Card
from app.services.demonstration.cards import PlannedState

_EVENTS = {
    PlannedState.SUSPENDED: (CardEvent.SUSPEND, "card.suspended"),
    PlannedState.CANCELLED: (CardEvent.CANCEL, "card.cancelled"),
}


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
