"""Every way in which a rule says no. Errors carry facts; pages put them into words."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any


class RuleBroken(Exception):
    """The family of all refusals. Never raised itself.

    ``reason`` is a short word that templates look up; ``facts`` are the values of its sentence.
    """

    reason: str = "rule-broken"

    def __init__(self, reason: str | None = None, **facts: Any) -> None:
        self.reason = str(reason or self.reason)
        self.facts = facts
        super().__init__(self.reason, facts)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!s}" for name, value in sorted(self.facts.items()))
        return f"{self.reason} ({told})" if told else self.reason


class TransitionRefused(RuleBroken):
    """A table of states has no move for this event."""

    reason = "transition-refused"

    def __init__(self, status: StrEnum, event: StrEnum) -> None:
        super().__init__(status=status, event=event)
        self.status = status
        self.event = event


class NotAllowed(RuleBroken):
    """The person is known, and may not do this."""

    reason = "not-allowed"

    def __init__(self, permission: StrEnum | None = None, reason: str | None = None) -> None:
        super().__init__(reason, permission=permission)
        self.permission = permission


class NotSignedIn(RuleBroken):
    """Nobody is signed in, or the session has ended. ``reason`` says which."""

    reason = "not-signed-in"


class SignInRefused(RuleBroken):
    """The card is genuine or unknown, but nobody may sign in with it now."""

    reason = "sign-in-refused"


class NotFound(RuleBroken):
    """There is no such thing, or none that this person may see."""

    reason = "not-found"

    def __init__(self, kind: str, key: object = None) -> None:
        super().__init__(kind=kind, key=key)
        self.kind = kind


class Conflict(RuleBroken):
    """Somebody else, another tab or an earlier answer got there first."""

    reason = "conflict"


class Invalid(RuleBroken):
    """Values that a person typed break rules. ``problems`` maps a field to the rule it breaks."""

    reason = "invalid"

    def __init__(self, problems: Mapping[str, StrEnum]) -> None:
        super().__init__(problems=problems)
        self.problems = problems


class RateLimited(RuleBroken):
    """Too many tries. ``retry_after`` is in whole seconds, at least 1."""

    reason = "rate-limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after=max(1, retry_after))
        self.retry_after = max(1, retry_after)


class TooEarly(RuleBroken):
    """The rule opens later. ``opens`` says when."""

    reason = "too-early"

    def __init__(self, reason: str, opens: datetime) -> None:
        super().__init__(reason, opens=opens)
        self.opens = opens
