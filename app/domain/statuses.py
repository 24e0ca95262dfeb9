"""The words in which rows say what state they are in, where no table of events governs them."""

from enum import StrEnum


class PersonStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"  # retired or left health care for good


class PositionSource(StrEnum):
    NATIONAL = "national"
    LOCAL = "local"


class KeyState(StrEnum):
    PENDING = "pending"  # made on the card, not believed yet
    CURRENT = "current"
    SUPERSEDED = "superseded"


class CertificateStatus(StrEnum):
    HELD = "held"  # issued, and not to be believed until its card operation is done
    ACTIVE = "active"
    REVOKED = "revoked"  # also what a newer one has replaced


class WorkstationStatus(StrEnum):
    SEEN = "seen"
    ENROLLED = "enrolled"
    BLOCKED = "blocked"


class OperationState(StrEnum):
    """Where a card operation stands in the journal."""

    OPEN = "open"  # a ticket is out, or may be asked for
    WAITING = "waiting"  # for the person: a choice, or a passcode typed again
    DONE = "done"
    REFUSED = "refused"  # by a rule
    FAILED = "failed"
    ABANDONED = "abandoned"

    @property
    def is_over(self) -> bool:
        return self not in (OperationState.OPEN, OperationState.WAITING)


class Outcome(StrEnum):
    """How an action ended, as the audit log tells it."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class SessionEnd(StrEnum):
    """Why a session is over."""

    SIGNED_OUT = "signed-out"
    CARD_REMOVED = "card-removed"
    PRESENCE_LOST = "presence-lost"
    IDLE = "idle"
    TOTAL = "total"  # the longest time a session may last
    CARD_CANCELLED = "card-cancelled"
    CARD_SUSPENDED = "card-suspended"
    CARD_EXPIRED = "card-expired"  # its certificates, while it was signed in
    ACCOUNT_CLOSED = "account-closed"
    WORKSTATION_BLOCKED = "workstation-blocked"
    REPLACED = "replaced"  # the same card signed in elsewhere
