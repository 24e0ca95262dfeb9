"""Which keys a card has right now, also where an operation that makes new ones was cut off."""

from app.card_operations.base import key_row
from app.card_operations.certificates import held_certificate
from app.card_operations.journal import unfinished
from app.card_operations.statements import KnownKey
from app.domain.statuses import KeyState
from app.models import Card, CardKey
from reader_bridge.contract import Slot

MAKES_KEYS = ("renew", "repair")


def key_row_on(card: Card, slot: Slot) -> CardKey | None:
    """The key that the card has in a slot: the new one once it is believed, else the current one.

    None while nobody knows: the card was asked to make a new one, and its answer never came.
    """
    held = held_certificate(card, slot)
    if held is not None and held.key.state is KeyState.PENDING:
        return held.key
    if slot.value in asked_to_make(card):
        return None
    return key_row(card, slot)


def key_on(card: Card, slot: Slot) -> KnownKey | None:
    """As ``key_row_on``, to check statements with."""
    row = key_row_on(card, slot)
    return KnownKey.from_der(slot, row.public_key) if row else None


def asked_to_make(card: Card) -> list[str]:
    """The slots in which the card may have made a key since an operation on it was begun.

    Which of them it has is known only once that operation, or whatever takes its place, is done.
    """
    operation = unfinished(card, *MAKES_KEYS)
    return list(operation.facts.get("asked_to_make", [])) if operation is not None else []
