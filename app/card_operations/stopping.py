"""Stopping what runs on a card when somebody decides about the card itself.

What a bridge still sends for a step that was stopped changes nothing. Secrets that were sent stay
in the journal, so that none of them is lost.
"""

from datetime import datetime

from sqlalchemy import bindparam, select

from app.card_operations import card_rows
from app.card_operations.base import exclusive_kinds
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation

STOPPED = "stopped"
GOES_ON_AFTER_CANCELLING = "erase"

_RUNNING = (  # put together once
    select(CardOperation)
    .where(
        CardOperation.card_id == bindparam("card_id"),
        CardOperation.kind.in_(bindparam("kinds", expanding=True)),
        CardOperation.finished_at.is_(None),
    )
    .order_by(CardOperation.id)
    .with_for_update()
)


def locked(card_id: int) -> Card | None:
    """Lock what runs on a card, then the card, and return it as it stands now.

    Whoever brings a result has locked the operation first: a result on its way is waited for.
    """
    _running(card_id)
    return card_rows.locked(card_id)


def end_all(card: Card, *, now: datetime) -> int:
    """Give up what runs on a card that is cancelled. Part of the caller's action."""
    ended = [each for each in _running(card.id) if each.kind != GOES_ON_AFTER_CANCELLING]
    for operation in ended:
        operation.give_up(now)
    return len(ended)


def stop_all(card: Card, *, now: datetime) -> int:
    """Have what runs on a card stand still; it may be gone on with later, with a new ticket."""
    stopped = _running(card.id)
    for operation in stopped:
        operation.state = OperationState.WAITING
        operation.updated_at = now
        last = operation.steps[-1] if operation.steps else None
        if last is not None and last.result_digest is None:
            last.result_digest = STOPPED  # no answer has this digest: a late one is refused
    return len(stopped)


def _running(card_id: int) -> list[CardOperation]:
    """What works on the card and has not ended, locked. Signatures alone end with the session."""
    return list(db.session.scalars(_RUNNING, {"card_id": card_id, "kinds": exclusive_kinds()}))
