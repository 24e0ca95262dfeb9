"""What may be said of a card in the reader before its holder has typed a passcode.

Only what the card itself shows counts here. What the service has decided about it is asked
afterwards (``app.domain.sign_in``); whose it is, is told to the person who can sign with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from app.domain.passcode import PasscodeRule


class Look(StrEnum):
    """How a card looks, and with that what its holder can do."""

    UNREADABLE = "unreadable"  # the bridge could not read it; ``error`` says why
    BLANK = "blank"
    NOT_OURS = "not-ours"
    LOCKED = "locked"
    EXPIRED = "expired"
    READY = "ready"

    @property
    def is_of_certificate(self) -> bool:
        """Whether the certificate alone makes it look so: one half written looks like none."""
        return self in (Look.BLANK, Look.NOT_OURS, Look.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class PresentedCard:
    """One card as the page's bridge read it.

    ``certificate`` is the authentication certificate (DER), ``None`` without one of ours;
    ``expires_on`` is its last day and ``uuid`` what it names. ``tries_left`` is ``None`` where the
    card does not say; ``serial`` is the chip's own. ``certificates`` (DER, by slot) are all that it
    holds, whoever issued them.
    """

    reader: str
    seat: str
    guid: str | None
    error: str | None
    blank: bool
    profile_title: str
    certificate: bytes | None
    uuid: str | None
    expires_on: date | None
    tries_left: int | None
    rule: PasscodeRule
    virtual: bool = False
    serial: str | None = None
    certificates: Mapping[str, bytes] = field(default_factory=dict)

    def look(self, today: date) -> Look:
        """Say how the card looks; ``today`` is a day in London."""
        if self.error is not None:
            return Look.UNREADABLE
        if self.guid is None or self.blank:
            return Look.BLANK
        if self.expires_on is None:
            return Look.NOT_OURS
        if self.tries_left == 0:
            return Look.LOCKED
        if today > self.expires_on:
            return Look.EXPIRED
        return Look.READY
