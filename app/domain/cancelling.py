"""Why a card is cancelled, and what its revoked certificates say of that (RFC 5280, 5.3.1)."""

from enum import StrEnum


class CancelReason(StrEnum):
    LOST = "lost"
    STOLEN = "stolen"
    DAMAGED = "damaged"
    MISUSED = "misused"  # somebody else used it
    LEFT = "left"  # its holder retired, or left health care for good
    OTHER = "other"  # said in a note

    @property
    def wants_note(self) -> bool:
        """Whether the word alone says too little."""
        return self is CancelReason.OTHER

    @property
    def wants_replacement(self) -> bool:
        """Whether the holder is left without a card that they need."""
        return self in (CancelReason.LOST, CancelReason.STOLEN, CancelReason.DAMAGED)


class Revocation(StrEnum):
    """The reasons that RFC 5280 names, as far as cards give them."""

    KEY_COMPROMISE = "key-compromise"  # somebody may have the keys in their hands
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation-of-operation"


REVOCATIONS: dict[CancelReason, Revocation] = {
    CancelReason.LOST: Revocation.KEY_COMPROMISE,
    CancelReason.STOLEN: Revocation.KEY_COMPROMISE,
    CancelReason.MISUSED: Revocation.KEY_COMPROMISE,
    CancelReason.DAMAGED: Revocation.CESSATION_OF_OPERATION,
    CancelReason.LEFT: Revocation.CESSATION_OF_OPERATION,
    CancelReason.OTHER: Revocation.CESSATION_OF_OPERATION,
}
