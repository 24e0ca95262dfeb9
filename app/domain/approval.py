"""What an agent signs with the signature key of their own card before acting on another's card.

The card signs the SHA-256 of a text that says who approves what, on whom, when and why. The text
is kept beside the signature: its form is fixed here, line by line, and never changes for acts that
have been signed.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

GOOD_FOR = timedelta(minutes=15)  # from signing until the act begins


class ActKind(StrEnum):
    CANCEL = "cancel"
    ISSUE = "issue"
    REPAIR = "repair"


@dataclass(frozen=True, kw_only=True)
class Act:
    """What is approved: an act, on a person, with a card where there is one yet.

    ``reason`` is a short word (of CancelReason, when a card is cancelled), ``note`` what an agent
    adds to it. ``replacement`` asks for a new card when one is cancelled.
    """

    act: ActKind
    person_id: int | None
    card_id: int | None = None
    reason: str = ""
    note: str = ""
    replacement: bool = False

    def same_matter(self, other: "Act") -> bool:
        """Whether the other is the same act on the same person and card."""
        return (self.act, self.person_id, self.card_id) == (
            other.act,
            other.person_id,
            other.card_id,
        )


@dataclass(frozen=True, kw_only=True)
class Named:
    """A person as the text names them."""

    uuid: str
    name: str


_WORDS = {
    ActKind.CANCEL: "Cancel a Smartcard",
    ActKind.ISSUE: "Issue a Smartcard",
    ActKind.REPAIR: "Repair a Smartcard",
}


def approval_text(
    act: Act,
    *,
    service: str,
    at: datetime,
    by: Named,
    role: str,
    organisation: str,
    on: Named | None,
    card_number: str | None,
) -> str:
    """Write what is signed. ``service`` is the origin of the service, ``at`` is written in UTC."""
    lines = [
        ("Approval at", service),
        ("Date", at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("Approved by", f"{by.uuid} {by.name}"),
        ("Role", role),
        ("Organisation", organisation),
        ("Act", _WORDS[act.act]),
        ("Person", f"{on.uuid} {on.name}" if on else "none"),
        ("Card", card_number or "none"),
        ("Reason", act.reason or "none"),
        ("Note", " ".join(act.note.split()) or "none"),
        ("New card wanted", "yes" if act.replacement else "no"),
    ]
    return "".join(f"{name}: {_one_line(value)}\n" for name, value in lines)


def digest(text: str) -> str:
    """Return the SHA-256 (hex) that the card signs."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_good(given_at: datetime, now: datetime) -> bool:
    """Say whether an approval may still be used: for 15 minutes, the last second included."""
    return timedelta(0) <= now - given_at <= GOOD_FOR


def _one_line(value: str) -> str:
    """No value may look like a line of its own."""
    return " ".join(value.split())
