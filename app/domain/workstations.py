"""What is decided about a PC with a reader bridge, and what that lets it do.

The table is the whole policy. A pair that is not in it is refused. A PC that is not enrolled can
sign in, prove presence and change a passcode; the secrets of a card are sent to enrolled ones only.
"""

from enum import StrEnum

from app.domain.errors import TransitionRefused
from app.domain.statuses import WorkstationStatus


class WorkstationEvent(StrEnum):
    ENROL = "enrol"
    BLOCK = "block"
    UNBLOCK = "unblock"  # it was trusted once: now it has to be enrolled again


_S, _E = WorkstationStatus, WorkstationEvent

TRANSITIONS: dict[tuple[WorkstationStatus, WorkstationEvent], WorkstationStatus] = {
    (_S.SEEN,     _E.ENROL):   _S.ENROLLED,
    (_S.SEEN,     _E.BLOCK):   _S.BLOCKED,
    (_S.ENROLLED, _E.BLOCK):   _S.BLOCKED,
    (_S.BLOCKED,  _E.UNBLOCK): _S.SEEN,
}  # fmt: skip


def next_status(status: WorkstationStatus, event: WorkstationEvent) -> WorkstationStatus:
    """Return the status that a PC has after ``event``.

    Raises:
        TransitionRefused: the table has no such move.
    """
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise TransitionRefused(status, event) from None


def possible(status: WorkstationStatus) -> list[WorkstationEvent]:
    """Return what can be decided about a PC in this status."""
    return [event for event in WorkstationEvent if (status, event) in TRANSITIONS]
