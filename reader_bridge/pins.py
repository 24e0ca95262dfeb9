"""Passcode and PUK on the card: whose fault a refusal is, and never a wasted try."""

import json
import secrets
from collections.abc import Callable

from reader_bridge.contract import PasscodeRefusal
from reader_bridge.errors import (
    PasscodeNeeded,
    PasscodeRefused,
    PukRefused,
    SealBroken,
    WrongPasscode,
)
from reader_bridge.passcode import PasscodeRule
from reader_bridge.piv.card import PivCard
from reader_bridge.piv.errors import PinBlocked, PinRefused, UnexpectedStatus, WrongPin
from reader_bridge.piv.pin import PIN_LENGTH
from reader_bridge.secret import Secret

MOST_TRIES = 256  # that any card counts
MOST_CANDIDATES = 2  # the current PUK and the pending one; never a third


def given(passcode: Secret | None) -> Secret:
    """The passcode, if there is one.

    Raises:
        PasscodeNeeded: there is none.
    """
    if not passcode:
        raise PasscodeNeeded
    return passcode


def check(rule: PasscodeRule, new: Secret, current: Secret | None) -> None:
    """Raise PasscodeRefused when the rule does not allow the new passcode."""
    refused = rule.refusal(new.reveal(), current=current.reveal() if current else None)
    if refused is not None:
        raise PasscodeRefused(refused)


def verify(card: PivCard, passcode: Secret) -> None:
    """Prove the passcode.

    Raises:
        WrongPin, PinBlocked: as the card says.
        WrongPasscode: the card would not even compare it.
    """
    try:
        card.verify(passcode.reveal())
    except PinRefused as error:
        raise WrongPasscode(card.passcode_tries_left()) from error


def change_puk(card: PivCard, candidates: list[str], new: str) -> int:
    """Replace the PUK by ``new``, trying the candidates in order; return the right one's place.

    A wrong candidate costs a try, which the right one gives back. The last try is spent only where
    no second candidate is left in doubt.

    Raises:
        PukRefused: none was right, the PUK is blocked, or only one try is left for two candidates.
    """
    refused: list[int] = []
    left = card.puk_tries_left()
    for place, candidate in enumerate(candidates):
        if left == 1 and len(candidates) > 1 and not refused:
            raise PukRefused(left, refused)
        try:
            card.change_puk(candidate, new)
        except WrongPin as error:
            refused.append(place)
            left = error.attempts_remaining
        except PinBlocked as error:
            raise PukRefused(0, refused) from error
        else:
            return place
    raise PukRefused(left, refused)


def reset_retry_counter(card: PivCard, puk: str, new: Secret) -> None:
    """Set a new passcode with the PUK.

    Raises:
        PukRefused: the PUK was wrong, or is blocked.
        PasscodeRefused: the card has a rule of its own.
    """
    try:
        card.reset_retry_counter(puk, new.reveal())
    except WrongPin as error:
        raise PukRefused(error.attempts_remaining, [0]) from error
    except PinBlocked as error:
        raise PukRefused(0, []) from error
    except PinRefused as error:
        raise PasscodeRefused(PasscodeRefusal.CARD) from error


def reset(card: PivCard, *, wanted: bool) -> dict[str, bool]:
    """Bring an emptied card back to its factory's state, PUK and all, where its make allows that.

    It wants passcode and PUK blocked first. Of use where the PUK is of none any more.
    """
    if not wanted:
        return {}
    if card.profile.resettable is False:
        return {"reset": False}
    _use_up(lambda: card.verify(_digits()))
    _use_up(lambda: card.change_puk(_digits(), _digits()))
    try:
        card.reset()
    except UnexpectedStatus:
        return {"reset": False}
    return {"reset": True}


def _use_up(wrong_try: Callable[[], None]) -> None:
    for _ in range(MOST_TRIES):
        try:
            wrong_try()
        except WrongPin:
            continue
        except (PinBlocked, PinRefused, UnexpectedStatus):
            return


def _digits() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(PIN_LENGTH))


def text(sealed: bytes) -> str:
    """The PUK in what was sealed.

    Raises:
        SealBroken: it cannot be one.
    """
    try:
        return _puk(sealed.decode("ascii"))
    except UnicodeDecodeError:
        raise SealBroken from None


def candidates(sealed: bytes) -> list[str]:
    """The list of PUKs in what was sealed.

    Raises:
        SealBroken: it is not a list of one or two.
    """
    try:
        values = json.loads(sealed)
    except (ValueError, RecursionError):
        raise SealBroken from None
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_CANDIDATES:
        raise SealBroken
    return list(dict.fromkeys(map(_puk, values)))


def _puk(value: object) -> str:
    """A text that a card can compare: an empty or a longer one would not even reach it."""
    if not isinstance(value, str) or not value.isascii() or not 1 <= len(value) <= PIN_LENGTH:
        raise SealBroken
    return value
