"""Requests: what somebody asks the registration authority to do, and how it moves.

The tables are the whole policy: a move that is not in them is refused, and each kind names the
permission of those who carry it out. Nobody decides on their own request or on one about
themselves (``roles.decides_on_own``).
"""

from collections.abc import Mapping
from enum import StrEnum

from app.domain.errors import TransitionRefused
from app.domain.roles import Permission


class RequestKind(StrEnum):
    CREATE_PERSON = "create-person"
    CHANGE_DETAILS = "change-details"
    ASSIGN_POSITION = "assign-position"
    END_POSITION = "end-position"
    ISSUE_CARD = "issue-card"
    CLOSE_PERSON = "close-person"


class RequestState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"  # with a reason
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (RequestState.REJECTED, RequestState.DONE, RequestState.CANCELLED)


class RequestEvent(StrEnum):
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    COMPLETE = "complete"
    CANCEL = "cancel"


_S, _E = RequestState, RequestEvent

TRANSITIONS: Mapping[tuple[RequestState, RequestEvent], RequestState] = {
    (_S.DRAFT,     _E.SUBMIT):   _S.SUBMITTED,
    (_S.DRAFT,     _E.CANCEL):   _S.CANCELLED,
    (_S.SUBMITTED, _E.APPROVE):  _S.APPROVED,
    (_S.SUBMITTED, _E.REJECT):   _S.REJECTED,
    (_S.SUBMITTED, _E.COMPLETE): _S.DONE,  # whoever does what is asked has decided on it
    (_S.SUBMITTED, _E.CANCEL):   _S.CANCELLED,
    (_S.APPROVED,  _E.COMPLETE): _S.DONE,
    (_S.APPROVED,  _E.CANCEL):   _S.CANCELLED,
}  # fmt: skip

OPEN_STATES = frozenset(state for state in RequestState if not state.is_over)
AWAITING = frozenset({RequestState.SUBMITTED, RequestState.APPROVED})  # somebody has to act

CARRIED_OUT_WITH: Mapping[RequestKind, Permission] = {
    RequestKind.CREATE_PERSON: Permission.CREATE_PERSON,
    RequestKind.CHANGE_DETAILS: Permission.CHANGE_PERSON,
    RequestKind.ASSIGN_POSITION: Permission.ASSIGN_POSITION,
    RequestKind.END_POSITION: Permission.ASSIGN_POSITION,
    RequestKind.ISSUE_CARD: Permission.ISSUE_CARD,
    RequestKind.CLOSE_PERSON: Permission.CLOSE_PERSON,
}


def next_state(state: RequestState, event: RequestEvent) -> RequestState:
    """Return the state of a request after ``event``.

    Raises:
        TransitionRefused: the table has no such move.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise TransitionRefused(state, event) from None
