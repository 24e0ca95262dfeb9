"""Approvals that were signed: used once, soon, by whoever signed, for what was signed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.card_operations import approve
from app.domain.approval import Act, is_good
from app.domain.errors import Conflict, NotFound
from app.domain.principal import Principal
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import CardOperation


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A signed approval. ``evidence`` is what the event of the act keeps of it."""

    public_id: str
    act: Act
    text: str
    sha256: str
    statement: str
    given_at: datetime
    evidence: dict[str, Any]


class ApprovalSpent(Conflict):
    """The approval has been used already: an act is approved each time."""

    reason = "approval-spent"


class ApprovalTooOld(Conflict):
    """It was signed too long ago."""

    reason = "approval-too-old"


def spend(public_id: str, *, act: Act, principal: Principal, now: datetime) -> Approval:
    """Use an approval up. Part of the caller's action: no action, still good.

    ``act`` must be the matter that was signed: same act, person and card; its reason is not asked.

    Raises:
        NotFound: there is no such approval by this principal, in this session, for this act.
        ApprovalSpent, ApprovalTooOld: it is good no more.
    """
    row = db.session.scalar(
        select(CardOperation)
        .where(CardOperation.public_id == public_id, CardOperation.kind == approve.KIND)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if (
        row is None
        or row.state is not OperationState.DONE
        or row.actor_person_id != principal.person_id
        or row.session_id != principal.session_id
        or not approve.act_of(row).same_matter(act)
    ):
        raise NotFound("approval", public_id)
    if "spent_at" in row.facts:
        raise ApprovalSpent
    assert row.finished_at is not None
    if not is_good(row.finished_at, now):
        raise ApprovalTooOld
    row.facts["spent_at"] = now.isoformat()
    return Approval(
        public_id=public_id,
        act=approve.act_of(row),
        text=row.facts["text"],
        sha256=row.facts["sha256"],
        statement=row.facts["statement"],
        given_at=row.finished_at,
        evidence=approve.evidence(row),
    )
