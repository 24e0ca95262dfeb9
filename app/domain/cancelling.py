"""Why a card is cancelled, and what its revoked certificates say of that (RFC 5280, 5.3.1)."""

from enum import StrEnum

from app.domain.revocation import RevocationReason


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


REVOCATIONS: dict[CancelReason, RevocationReason] = {
    CancelReason.LOST: RevocationReason.KEY_COMPROMISE,
    CancelReason.STOLEN: RevocationReason.KEY_COMPROMISE,
    CancelReason.MISUSED: RevocationReason.KEY_COMPROMISE,
    CancelReason.DAMAGED: RevocationReason.CESSATION_OF_OPERATION,
    CancelReason.LEFT: RevocationReason.AFFILIATION_CHANGED,
    CancelReason.OTHER: RevocationReason.CESSATION_OF_OPERATION,
}
