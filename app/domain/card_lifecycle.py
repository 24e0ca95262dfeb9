"""The life of a card: which events move it, and to where.

The table is the whole policy. A pair that is not in it is refused.
"""

from datetime import date
from enum import StrEnum

from app.domain.errors import TransitionRefused


class CardStatus(StrEnum):
    BLANK = "blank"  # belongs to no one yet
    ISSUED = "issued"
    LOCKED = "locked"  # the chip told us that its passcode is blocked
    SUSPENDED = "suspended"  # may come back
    EXPIRED = "expired"  # never stored: the calendar says so, see ``shown_status``
    CANCELLED = "cancelled"  # final


class CardEvent(StrEnum):
    ISSUE = "issue"
    LOCK = "lock"
    UNLOCK = "unlock"  # also a forgotten passcode, on a card that is not locked
    CHANGE_PASSCODE = "change-passcode"
    RENEW = "renew"
    REPAIR = "repair"
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"
    ERASE = "erase"  # the chip is emptied; a cancelled card stays cancelled


_S, _E = CardStatus, CardEvent

TRANSITIONS: dict[tuple[CardStatus, CardEvent], CardStatus] = {
    (_S.BLANK,     _E.ISSUE):           _S.ISSUED,
    (_S.BLANK,     _E.CANCEL):          _S.CANCELLED,
    (_S.BLANK,     _E.ERASE):           _S.BLANK,
    (_S.ISSUED,    _E.LOCK):            _S.LOCKED,
    (_S.ISSUED,    _E.UNLOCK):          _S.ISSUED,
    (_S.ISSUED,    _E.CHANGE_PASSCODE): _S.ISSUED,
    (_S.ISSUED,    _E.RENEW):           _S.ISSUED,
    (_S.ISSUED,    _E.REPAIR):          _S.ISSUED,
    (_S.ISSUED,    _E.SUSPEND):         _S.SUSPENDED,
    (_S.ISSUED,    _E.CANCEL):          _S.CANCELLED,
    (_S.LOCKED,    _E.LOCK):            _S.LOCKED,
    (_S.LOCKED,    _E.UNLOCK):          _S.ISSUED,
    (_S.LOCKED,    _E.SUSPEND):         _S.SUSPENDED,
    (_S.LOCKED,    _E.CANCEL):          _S.CANCELLED,
    (_S.SUSPENDED, _E.RESUME):          _S.ISSUED,
    (_S.SUSPENDED, _E.CANCEL):          _S.CANCELLED,
    (_S.CANCELLED, _E.ERASE):           _S.CANCELLED,
}  # fmt: skip


def next_status(status: CardStatus, event: CardEvent) -> CardStatus:
    """Return the status a card has after ``event``.

    Raises:
        TransitionRefused: the table has no such move.
    """
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise TransitionRefused(status, event) from None


def shown_status(
    status: CardStatus, expires_on: date | None, *, today: date, tries_left: int | None = None
) -> CardStatus:
    """Return the status to show: what the service decided, then the calendar, then the chip.

    ``expires_on`` is the last day on which the card is good; ``today`` is a day in London;
    ``tries_left`` is what the chip last said, where it is known.
    """
    if status not in (CardStatus.ISSUED, CardStatus.LOCKED):
        return status
    if expires_on is not None and today > expires_on:
        return CardStatus.EXPIRED
    if tries_left is None:
        return status
    return CardStatus.LOCKED if tries_left == 0 else CardStatus.ISSUED
