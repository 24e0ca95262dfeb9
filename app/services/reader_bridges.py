"""Meeting the reader bridge of a browser."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app import audit
from app.card_operations import hello
from app.card_operations.refusals import WorkstationBlocked
from app.domain.statuses import Outcome, WorkstationStatus
from app.extensions import db
from app.models import Workstation
from app.services import limits
from reader_bridge.contract import Typ

MOST_HELLOS, HELLO_WINDOW = 600, timedelta(minutes=1)  # from one address, behind which many may sit


@dataclass(frozen=True)
class Met:
    """A connection that the service knows now. ``enrolled``: its PC may receive sealed secrets."""

    connection: int
    thumbprint: str
    enrolled: bool


def meet(token: object, *, origin: str, browser: str, address: str | None, now: datetime) -> Met:
    """Record what a page brings of its bridge, bound to this browser. Forgotten after 12 hours.

    ``address`` is where the page is, None on the command line.

    Raises:
        RateLimited: too many came from this address.
        HelloRefused: it is no hello, or not for this service, or not for this browser.
        WorkstationBlocked: an administrator has blocked this PC.
    """
    if address is not None:
        limits.count_try(f"hello {address}", limit=MOST_HELLOS, window=HELLO_WINDOW, now=now)
    try:
        connection = hello.receive(token, origin=origin, browser=browser, now=now)
    except WorkstationBlocked:
        _keep_refusal(token, now)
        raise
    workstation = connection.workstation
    met = Met(
        connection=connection.id,
        thumbprint=workstation.thumbprint,
        enrolled=workstation.status is WorkstationStatus.ENROLLED,
    )
    db.session.commit()
    return met


def _keep_refusal(token: object, now: datetime) -> None:
    """Undo everything, and keep that somebody tried at a PC that is blocked."""
    db.session.rollback()
    key, _ = hello.read(token, Typ.HELLO)
    number = db.session.scalar(
        select(Workstation.id).where(Workstation.thumbprint == key.thumbprint())
    )
    audit.record(
        "workstation.used",
        outcome=Outcome.REFUSED,
        actor=None,
        workstation_id=number,
        now=now,
        reason=WorkstationBlocked.reason,
    )
    db.session.commit()
