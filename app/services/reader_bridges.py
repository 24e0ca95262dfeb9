"""Reader bridges and the PCs they run on: meeting them, enrolling them, blocking them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import audit
from app.card_operations import hello
from app.domain.errors import NotFound
from app.domain.principal import Principal
from app.domain.statuses import Outcome, WorkstationStatus
from app.extensions import db
from app.models import Workstation


@dataclass(frozen=True)
class Met:
    """A connection that the service knows now. ``enrolled``: its PC may receive sealed secrets."""

    connection: int
    enrolled: bool


def meet(token: object, *, origin: str, browser: str, address: str, now: datetime) -> Met:
    """Record what a page brings of its bridge, bound to this browser. Forgotten after 12 hours.

    Raises:
        HelloRefused: it is no hello, or not for this service, or not for this browser.
        WorkstationBlocked: an administrator has blocked this PC.
    """
    connection = hello.receive(token, origin=origin, browser=browser, now=now)
    hello.forget_old(now)
    met = Met(connection.id, connection.workstation.status is WorkstationStatus.ENROLLED)
    db.session.commit()
    return met


def workstations() -> list[Workstation]:
    """Every PC that was ever met, the latest first."""
    return list(db.session.scalars(select(Workstation).order_by(Workstation.last_seen_at.desc())))


def enrol(thumbprint: str, *, actor: Principal | None, now: datetime) -> Workstation:
    """Let a PC receive sealed secrets from now on. ``thumbprint`` may be cut to 8 characters.

    Raises:
        NotFound: no such PC, or more than one.
    """
    return _become(WorkstationStatus.ENROLLED, thumbprint, actor, now)


def block(thumbprint: str, *, actor: Principal | None, now: datetime) -> Workstation:
    """Give a PC no more tickets.

    Raises:
        NotFound: no such PC, or more than one.
    """
    return _become(WorkstationStatus.BLOCKED, thumbprint, actor, now)


_EVENTS = {
    WorkstationStatus.ENROLLED: "workstation.enrolled",
    WorkstationStatus.BLOCKED: "workstation.blocked",
}
SHORTEST = 8


def _become(
    status: WorkstationStatus, thumbprint: str, actor: Principal | None, now: datetime
) -> Workstation:
    found = [each for each in workstations() if each.thumbprint.startswith(thumbprint)]
    if len(found) != 1 or len(thumbprint) < SHORTEST:
        raise NotFound("workstation", thumbprint)
    workstation = found[0]
    workstation.status = status
    audit.record(
        _EVENTS[status],
        outcome=Outcome.DONE,
        actor=actor,
        workstation_id=workstation.id,
        now=now,
        thumbprint=workstation.thumbprint,
        name=workstation.name,
    )
    db.session.commit()
    return workstation
