"""Codes that are mailed and typed once: how they look, how long they last, what ends them."""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.errors import RuleBroken

DIGITS = 6
LASTS = timedelta(minutes=15)  # from when the mail server took the message
MOST_WRONG = 5
MOST_SENT, SENT_WITHIN = 5, timedelta(hours=1)
LATE = timedelta(seconds=30)  # a message that is on its way for longer is spoken of
DELIVERED_WITHIN = timedelta(hours=1)  # a message that nobody takes is given up, and its code


class Purpose(StrEnum):
    REGISTRATION = "registration"
    EMAIL = "email"
    UNLOCK = "unlock"


class Ended(StrEnum):
    """What ended a code before its time."""

    USED = "used"
    SUPERSEDED = "superseded"
    TOO_MANY = "too-many"
    GIVEN_UP = "given-up"


class CodeState(StrEnum):
    """What a person is told of the code that they wait for."""

    SENDING = "sending"  # the mail server has not taken it so far, and is asked again
    SENT = "sent"
    EXPIRED = "expired"
    USED = "used"
    SUPERSEDED = "superseded"
    TOO_MANY = "too-many"
    GIVEN_UP = "given-up"

    @property
    def may_be_typed(self) -> bool:
        """A code on its way counts: it may have arrived before the service heard of it."""
        return self in (CodeState.SENDING, CodeState.SENT)


class CodeRefused(RuleBroken):
    """What was typed is not the code. ``state`` says what is the matter with the code itself.

    ``reason`` is "code-missing" or "code-malformed" (nothing was counted), "code-wrong" (then
    ``tries_left`` is how many wrong ones it still bears), "code-none" (none was sent), or
    "code-expired", "code-used", "code-superseded", "code-too-many", "code-given-up".
    """

    reason = "code-wrong"

    def __init__(
        self, reason: str, *, state: CodeState | None = None, tries_left: int | None = None
    ) -> None:
        super().__init__(reason, state=state, tries_left=tries_left)
        self.state = state
        self.tries_left = tries_left


@dataclass(frozen=True, kw_only=True)
class CodeTimes:
    """The moments of one code. ``delivered_at`` is when the mail server took it."""

    created_at: datetime
    delivered_at: datetime | None = None
    ended_by: Ended | None = None

    @property
    def valid_until(self) -> datetime | None:
        """The first moment at which it no longer counts; None while it is on its way."""
        return self.delivered_at + LASTS if self.delivered_at is not None else None

    @property
    def deliver_until(self) -> datetime:
        """When its message is given up."""
        return self.created_at + DELIVERED_WITHIN

    def state(self, now: datetime) -> CodeState:
        if self.ended_by is not None:
            return CodeState(self.ended_by.value)
        if self.valid_until is not None:
            return CodeState.SENT if now < self.valid_until else CodeState.EXPIRED
        return CodeState.SENDING if now < self.deliver_until else CodeState.GIVEN_UP


def new_code() -> str:
    """Return a code that nobody can foresee: six digits, the first may be 0."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def written(typed: str) -> str:
    """Return a typed code as it was mailed: without spaces and dashes, in plain digits.

    Raises:
        CodeRefused: "code-missing" or "code-malformed"; such a thing is no guess.
    """
    text = "".join(c for c in typed if unicodedata.category(c) not in ("Zs", "Cc", "Cf", "Pd"))
    if not text:
        raise CodeRefused("code-missing")
    digits = [unicodedata.decimal(c, None) for c in text[: DIGITS + 1]]
    if len(digits) != DIGITS or None in digits:
        raise CodeRefused("code-malformed")
    return "".join(str(digit) for digit in digits)
