"""Which card was erased: an emptied one shows no identifier, and opens with everybody's key.

Blank cards of one make look alike. What the service keeps of a card is forgotten only where this
very card was certainly emptied: its own management key opened it, or its chip says its serial
number. Else it stays sealed; the card may be erased again.
"""

from typing import Any

from sqlalchemy import select

from app.card_operations import journal, lost
from app.card_operations.base import Turn
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import Conflict
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation

KIND = lost.ERASING
SENT = ("emptying", "key_sent", "puk_sent", "another_guid")  # what a card may have of an erasing


def demand_it_may_be(card: Card, guid: str | None, serial: str | None) -> None:
    """Make sure that the card in the reader is not known to be another one.

    Raises:
        Conflict: "another-card", "another-chip" or "already-erased".
    """
    if may_be(card, guid, serial):
        return
    if guid and _is_anothers(card, guid):
        raise Conflict("another-card")
    if is_done(card):
        raise Conflict("already-erased")
    raise Conflict("another-chip" if is_another_chip(card, serial) else "another-card")


def may_be(card: Card, guid: str | None, serial: str | None) -> bool:
    """Say whether what is in the reader may be this card, which is to be erased.

    A card that was never issued, or is half emptied, may show anything that is nobody else's.
    """
    if guid is not None and guid.lower() == card.guid:
        return True
    if is_another_chip(card, serial) or (guid and _is_anothers(card, guid)):
        return False
    begun = journal.unfinished(card, KIND)
    sent = begun.facts if begun is not None else sent_before(card)
    return card.status is CardStatus.BLANK or bool(sent.get("emptying"))


def is_another_chip(card: Card, serial: str | None) -> bool:
    return bool(serial and card.serial) and serial != card.serial


def same_chip_in(seat: str, card: Card, serial: str | None) -> str | None:
    """The seat, if what sits there says the card's serial number. One insertion has one seat."""
    return seat if serial and serial == card.serial else None


def is_known(turn: Turn) -> bool:
    """Say whether the card that was just opened is this one, whichever key it takes."""
    own, card = turn.operation.facts, turn.card
    if own.get("same_chip_in") and own["same_chip_in"] == turn.operation.seat:
        return True
    # Its issue was cut off before it was given a key; nothing was removed from it yet
    return card.issued_at is None and own["shown_guid"] == card.guid


def is_done(card: Card) -> bool:
    """Say whether a cancelled card was erased; another one may have been taken for it."""
    if card.status is not CardStatus.CANCELLED:
        return False
    return not _holds_secrets(card) or unsure(card) is not None


def unsure(card: Card) -> CardOperation | None:
    """The newest erasing of a card that is done, where the card's secrets were kept."""
    if not _holds_secrets(card):
        return None
    return db.session.scalar(
        select(CardOperation)
        .where(
            CardOperation.card_id == card.id,
            CardOperation.kind == KIND,
            CardOperation.state == OperationState.DONE,
        )
        .order_by(CardOperation.id.desc())
        .limit(1)
    )


def sent_before(card: Card) -> dict[str, Any]:
    """What an erasing that has ended may have sent to a card, which is perhaps not empty."""
    done = unsure(card)
    found = done.facts if done is not None else {}
    return lost.sent_before(card) or {name: found[name] for name in SENT if name in found}


def _holds_secrets(card: Card) -> bool:
    secrets = (card.management_key_sealed, card.puk_sealed, card.puk_pending_sealed)
    return secrets != (None, None, None)


def _is_anothers(card: Card, guid: str) -> bool:
    is_its = Card.guid == guid.lower()
    return db.session.scalar(select(Card.id).where(is_its, Card.id != card.id)) is not None
