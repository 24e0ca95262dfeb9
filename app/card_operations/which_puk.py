"""Which PUKs a change is to try, and what is known of them after its answer, or without one.

What issuing and unlocking share. ``app.domain.puk`` has the rule; what is known stays with the
card, and with the operation what was known before its last ticket.
"""

from typing import Any

from app.card_operations import sealed
from app.card_operations.base import Turn
from app.domain.puk import Puk, PukDoubt
from app.domain.statuses import Outcome

NEW_CARD = "new-card"  # the way forward where the PUK is of no more use


def to_try(turn: Turn) -> list[str]:
    """The values for a change to the pending PUK, in order. From now on it counts as sent."""
    card, own = turn.card, turn.operation.facts
    doubt = sealed.doubt(card)
    order, values = sealed.candidates(turn.office.vault, card)
    own["candidates"] = [each.value for each in order]
    own["doubt"] = [doubt.sent, doubt.current_out, doubt.pending_out]
    sealed.keep_doubt(card, doubt.after_sending())
    return values


def not_sent(turn: Turn) -> None:
    """The card was not asked to change its PUK: all is as before the last ticket."""
    sealed.keep_doubt(turn.card, _before(turn))


def refused(turn: Turn, told: dict[str, Any], sure: bool) -> None:
    """Rule out what the card said no to, if the workstation has signed for it.

    Where the PUK is of no more use, ``told`` says so as its ``way``.
    """
    doubt = _before(turn).after_sending()
    if sure:
        sent = [Puk(name) for name in turn.operation.facts["candidates"]]
        places = [each for each in told.get("refused", []) if each < len(sent)]
        doubt = doubt.after_refusal([sent[place] for place in places])
        sealed.keep_doubt(turn.card, doubt)
    left = told.get("left")
    nothing_left = left == 0 or doubt.unknown
    in_doubt = left == 1 and len(doubt.candidates()) > 1
    if sure and nothing_left:
        turn.record("card.puk-of-no-use", Outcome.FAILED, left=left)
    if nothing_left or in_doubt:
        told["way"] = NEW_CARD


def taken(turn: Turn) -> None:
    """The card has the pending PUK now, which is kept as pending until the operation is done."""
    sealed.keep_doubt(turn.card, sealed.doubt(turn.card).after_refusal([Puk.CURRENT]))


def _before(turn: Turn) -> PukDoubt:
    sent, current_out, pending_out = turn.operation.facts["doubt"]
    return PukDoubt(sent=sent, current_out=current_out, pending_out=pending_out)
