"""PCs with a reader bridge: trusting one with a card's secrets, and trusting it no more."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import aliased

from app import audit
from app.domain.errors import NotFound
from app.domain.names import folded
from app.domain.principal import Principal
from app.domain.roles import Permission, Role
from app.domain.statuses import Outcome, SessionEnd, WorkstationStatus
from app.domain.workstations import WorkstationEvent, next_status
from app.extensions import db
from app.models import (
    Assignment,
    BridgeConnection,
    InstallCode,
    InstallCodeUse,
    Person,
    Position,
    Session,
    Workstation,
)
from app.services import sessions

PAGE = 25  # PCs a page
LAST_CODE_POINT = "\U0010ffff"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = {
    WorkstationEvent.ENROL: "workstation.enrolled",
    WorkstationEvent.BLOCK: "workstation.blocked",
    WorkstationEvent.UNBLOCK: "workstation.unblocked",
}


@dataclass(frozen=True, kw_only=True)
class WorkstationRow:
    """One PC, as the list shows it.

    ``signed_in_at`` is when somebody signed in there last, as far as sessions are kept, and
    ``role`` the one in which they act or acted; a card holder has none.
    """

    thumbprint: str
    name: str
    version: str
    status: WorkstationStatus
    first_seen_at: datetime
    last_seen_at: datetime
    signed_in_at: datetime | None
    role: Role | None


@dataclass(frozen=True, kw_only=True)
class Workstations:
    """A page of PCs. ``further`` is where the next page begins, if there is one."""

    rows: list[WorkstationRow]
    further: str | None


@dataclass(frozen=True, kw_only=True)
class Details(WorkstationRow):
    """One PC's own page. ``code`` is what the install code was made for that enrolled it."""

    id: int
    open_sessions: int
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    code: str | None


def listed() -> list[Workstation]:
    """Return every PC that was ever seen, the one seen last first."""
    return list(
        db.session.scalars(
            select(Workstation).order_by(Workstation.last_seen_at.desc(), Workstation.id)
        )
    )


def page(
    *,
    search: str = "",
    status: WorkstationStatus | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Workstations:
    """Return the PCs whose name or thumbprint begins with ``search``, those seen last first."""
    wanted = _rows().order_by(Workstation.last_seen_at.desc(), Workstation.id.desc())
    if search.strip():
        wanted = wanted.where(_found_by(search.strip()))
    if status is not None:
        wanted = wanted.where(Workstation.status == status)
    place = _place(after)
    if place is not None:
        seen, number = place
        wanted = wanted.where(
            Workstation.last_seen_at <= seen,
            or_(Workstation.last_seen_at < seen, Workstation.id < number),
        )
    found = db.session.execute(wanted.limit(limit + 1)).all()
    shown = found[:limit]
    return Workstations(
        rows=[WorkstationRow(**{name: row._mapping[name] for name in ROW_FIELDS}) for row in shown],
        further=_written(shown[-1].last_seen_at, shown[-1].id) if len(found) > limit else None,
    )


def read(thumbprint: str) -> Details:
    """Return what there is to know of one PC.

    Raises:
        NotFound: no such bridge was ever seen.
    """
    row = db.session.execute(_rows().where(Workstation.thumbprint == thumbprint)).one_or_none()
    if row is None:
        raise NotFound("workstation", thumbprint)
    decider = aliased(Person)
    decision = db.session.execute(
        select(Workstation.decided_at, Workstation.reason, decider.given_name, decider.family_name)
        .outerjoin(decider, decider.id == Workstation.decided_by_id)
        .where(Workstation.id == row.id)
    ).one()
    code = db.session.scalar(
        select(InstallCode.label)
        .join(InstallCodeUse, InstallCodeUse.code_id == InstallCode.id)
        .where(InstallCodeUse.workstation_id == row.id, InstallCodeUse.at == decision.decided_at)
    )
    running = select(func.count()).where(
        Session.workstation_id == row.id, Session.ended_at.is_(None)
    )
    return Details(
        **{name: row._mapping[name] for name in ROW_FIELDS},
        id=row.id,
        open_sessions=db.session.scalar(running) or 0,
        decided_at=decision.decided_at,
        decided_by=(
            f"{decision.given_name} {decision.family_name}" if decision.given_name else None
        ),
        reason=decision.reason,
        code=code,
    )


def enrol(
    thumbprint: str, *, name: str | None, actor: Principal | None, now: datetime
) -> Workstation:
    """Trust the bridge with this key. It must have been seen: we know no key by hearsay.

    Raises:
        NotAllowed: the actor may not.
        NotFound: no such bridge was ever seen.
        TransitionRefused: it is enrolled already, or blocked.
    """
    workstation = _decide(thumbprint, WorkstationEvent.ENROL, actor, None, now)
    if name:
        workstation.call(name)
    return _recorded(workstation, WorkstationEvent.ENROL, actor, now)


def block(
    thumbprint: str, *, reason: str | None, actor: Principal | None, now: datetime
) -> Workstation:
    """Refuse the bridge with this key from now on.

    Its connections are worth nothing any more, and the sessions that began there are over.

    Raises:
        NotAllowed: the actor may not.
        NotFound: no such bridge was ever seen.
        TransitionRefused: it is blocked already.
    """
    workstation = _decide(thumbprint, WorkstationEvent.BLOCK, actor, reason, now)
    db.session.execute(
        update(BridgeConnection)
        .where(BridgeConnection.workstation_id == workstation.id, BridgeConnection.expires_at > now)
        .values(expires_at=now)
    )
    sessions.end_all_of_workstation(workstation.id, SessionEnd.WORKSTATION_BLOCKED, now)
    return _recorded(workstation, WorkstationEvent.BLOCK, actor, now)


def unblock(thumbprint: str, *, actor: Principal | None, now: datetime) -> Workstation:
    """Let the bridge with this key be used again. It has to be enrolled anew.

    Raises:
        NotAllowed: the actor may not.
        NotFound: no such bridge was ever seen.
        TransitionRefused: it is not blocked.
    """
    workstation = _decide(thumbprint, WorkstationEvent.UNBLOCK, actor, None, now)
    return _recorded(workstation, WorkstationEvent.UNBLOCK, actor, now)


def _decide(
    thumbprint: str,
    event: WorkstationEvent,
    actor: Principal | None,
    reason: str | None,
    now: datetime,
) -> Workstation:
    if actor is not None:
        actor.demand(Permission.MANAGE_WORKSTATIONS)
    workstation = db.session.scalar(
        select(Workstation).where(Workstation.thumbprint == thumbprint).with_for_update()
    )
    if workstation is None:
        db.session.rollback()
        raise NotFound("workstation", thumbprint)
    workstation.status = next_status(workstation.status, event)
    workstation.decided_at = now
    workstation.decided_by_id = actor.person_id if actor else None
    workstation.reason = reason
    return workstation


def _recorded(
    workstation: Workstation, event: WorkstationEvent, actor: Principal | None, now: datetime
) -> Workstation:
    audit.record(
        EVENTS[event],
        outcome=Outcome.DONE,
        actor=actor,
        now=now,
        thumbprint=workstation.thumbprint,
        name=workstation.name,
        workstation=workstation.id,
        reason=workstation.reason,
    )
    db.session.commit()
    return workstation


ROW_FIELDS = tuple(WorkstationRow.__dataclass_fields__)


def _rows() -> Select[*tuple[object, ...]]:
    """PCs, each with its last session: one look into an index for each row that is shown."""
    last = (
        select(Session.id)
        .where(Session.workstation_id == Workstation.id)
        .order_by(Session.started_at.desc(), Session.id.desc())
        .limit(1)
        .correlate(Workstation)
        .scalar_subquery()
    )
    return (
        select(
            Workstation.id,
            Workstation.thumbprint,
            Workstation.name,
            Workstation.version,
            Workstation.status,
            Workstation.first_seen_at,
            Workstation.last_seen_at,
            Session.started_at.label("signed_in_at"),
            Position.role,
        )
        .outerjoin(Session, Session.id == last)
        .outerjoin(Assignment, Assignment.id == Session.assignment_id)
        .outerjoin(Position, Position.id == Assignment.position_id)
    )


def _found_by(search: str) -> ColumnElement[bool]:
    begins = func.substr(Workstation.thumbprint, 1, len(search)) == search
    name = folded(search)
    if not name:
        return begins
    named = and_(Workstation.name_folded >= name, Workstation.name_folded < name + LAST_CODE_POINT)
    return or_(named, begins)


def _written(seen: datetime, number: int) -> str:
    return f"{(seen - EPOCH) // timedelta(microseconds=1)}.{number}"


def _place(after: str | None) -> tuple[datetime, int] | None:
    """Read where a page begins; what is not one of ours begins at the beginning."""
    moment, _, number = (after or "").partition(".")
    if not (moment.isascii() and moment.isdigit() and number.isascii() and number.isdigit()):
        return None
    try:
        return EPOCH + timedelta(microseconds=int(moment)), min(int(number), 2**31 - 1)
    except (OverflowError, ValueError):
        return None
