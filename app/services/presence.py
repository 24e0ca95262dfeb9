"""Proofs that a session's card is still in the reader: which page brings the next one."""

from datetime import datetime

from app.card_operations import presence
from app.card_operations.answers import NextTicket
from app.card_operations.office import Office
from app.domain.principal import Principal
from app.services import sessions


def prove(
    principal: Principal,
    *,
    sid: str,
    seat: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket | None:
    """Give this page the ticket for a proof; None when none is due, or another page is at it.

    ``seat`` is where the page sees the card after its bridge was started again: that is asked for
    at once.

    Raises:
        OtherWorkstation, ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    moved = presence.other_bridge(principal, sid=sid, browser=browser, now=now)
    if not sessions.take_presence(principal.session_id, now, at_once=moved and seat is not None):
        return None
    return presence.start(principal, sid=sid, seat=seat, browser=browser, office=office, now=now)
