"""PCs with a reader bridge: trusting one with a card's secrets, and trusting it no more."""

from datetime import datetime

from sqlalchemy import select, update

from app import audit
from app.domain.errors import NotFound
from app.domain.principal import Principal
from app.domain.statuses import Outcome, WorkstationStatus
from app.extensions import db
from app.models import BridgeConnection, Workstation


def listed() -> list[Workstation]:
    """Return every PC that was ever seen, the one seen last first."""
    return list(
        db.session.scalars(
            select(Workstation).order_by(Workstation.last_seen_at.desc(), Workstation.id)
        )
    )


def enrol(
    thumbprint: str, *, name: str | None, actor: Principal | None, now: datetime
) -> Workstation:
    """Trust the bridge with this key. It must have been seen: we know no key by hearsay.

    Raises:
        NotFound: no such bridge was ever seen.
    """
    workstation = _change(thumbprint, WorkstationStatus.ENROLLED)
    if name:
        workstation.name = name
    return _recorded(workstation, "workstation.enrolled", actor, now)


def block(thumbprint: str, *, actor: Principal | None, now: datetime) -> Workstation:
    """Refuse the bridge with this key from now on; its connections are worth nothing any more.

    Raises:
        NotFound: no such bridge was ever seen.
    """
    workstation = _change(thumbprint, WorkstationStatus.BLOCKED)
    db.session.execute(
        update(BridgeConnection)
        .where(BridgeConnection.workstation_id == workstation.id, BridgeConnection.expires_at > now)
        .values(expires_at=now)
    )
    return _recorded(workstation, "workstation.blocked", actor, now)


def _change(thumbprint: str, status: WorkstationStatus) -> Workstation:
    workstation = db.session.scalar(
        select(Workstation).where(Workstation.thumbprint == thumbprint).with_for_update()
    )
    if workstation is None:
        db.session.rollback()
        raise NotFound("workstation", thumbprint)
    workstation.status = status
    return workstation


def _recorded(
    workstation: Workstation, event: str, actor: Principal | None, now: datetime
) -> Workstation:
    audit.record(
        event,
        outcome=Outcome.DONE,
        actor=actor,
        now=now,
        thumbprint=workstation.thumbprint,
        name=workstation.name,
        workstation=workstation.id,
    )
    db.session.commit()
    return workstation
