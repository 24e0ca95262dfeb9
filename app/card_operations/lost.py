"""What is known of a card that was lost or broken while it was being erased.

Its erasing ended with a mark. Should the card turn up, it is erased by what was sent to it before:
it may be half emptied, and have its own keys or its maker's.
"""

from typing import Any

from sqlalchemy import select

from app.domain.cancelling import CancelReason
from app.extensions import db
from app.models import Card, CardOperation

MARK = "lost"
ERASING = "erase"
ITS_OWN = (MARK, "shown_guid", "refused", "asked")  # what says nothing of the card's keys


def mark(operation: CardOperation, reason: CancelReason) -> None:
    operation.facts[MARK] = reason.value


def is_marked(operation: CardOperation) -> bool:
    return MARK in operation.facts


def sent_before(card: Card) -> dict[str, Any]:
    """The facts of the last erasing of a card, if that ended because the card was lost."""
    last = db.session.scalar(
        select(CardOperation)
        .where(CardOperation.card_id == card.id, CardOperation.kind == ERASING)
        .order_by(CardOperation.id.desc())
        .limit(1)
    )
    if last is None or not is_marked(last):
        return {}
    return {name: value for name, value in last.facts.items() if name not in ITS_OWN}
