"""One good card for each person: once a new one is proven, the older ones are cancelled."""

from sqlalchemy import select, update

from app import audit
from app.card_operations import stopping
from app.card_operations.base import Turn
from app.card_operations.certificates import revoke
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.revocation import RevocationReason
from app.domain.statuses import Outcome, SessionEnd
from app.extensions import db
from app.models import Card, Person, Session

REPLACED = "replaced"  # why they were cancelled, in the audit log


def replace_older_cards(turn: Turn, person: Person, new: Card) -> None:
    """Cancel every other card of a person. Part of the step that issues the new one.

    What runs on them ends, and so does every session with them.
    """
    older = db.session.scalars(
        select(Card.id).where(
            Card.person_id == person.id,
            Card.id != new.id,
            Card.status.in_((CardStatus.ISSUED, CardStatus.LOCKED, CardStatus.SUSPENDED)),
        )
    ).all()
    for card_id in older:
        card = stopping.locked(card_id)
        if card is None or card.status is CardStatus.CANCELLED:
            continue  # somebody else was quicker
        card.apply(CardEvent.CANCEL, now=turn.now)
        stopped = stopping.end_all(card, now=turn.now)
        for certificate in card.certificates:
            revoke(certificate, RevocationReason.SUPERSEDED, turn.now)
        db.session.execute(
            update(Session)
            .where(Session.card_id == card.id, Session.ended_at.is_(None))
            .values(ended_at=turn.now, end_reason=SessionEnd.CARD_CANCELLED)
        )
        audit.record(
            "card.cancelled",
            outcome=Outcome.DONE,
            actor=turn.actor,
            subject_person_id=person.id,
            subject_card_id=card.id,
            workstation_id=turn.connection.workstation_id,
            now=turn.now,
            reason=REPLACED,
            replaced_by=new.number,
            stopped=stopped,
        )
    db.session.flush()
