"""The Smartcard Service Centre: who may try to unlock a card there, how often, and where it stands.

Nobody is signed in. The card proves itself first (``app.card_operations.service_centre``); what its
holder then has to know is ``unlock_attempts``.
"""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import select

from app.card_operations import journal, unlock, wire
from app.card_operations import service_centre as operation
from app.card_operations.answers import NextTicket
from app.card_operations.office import Office
from app.card_operations.service_centre import CardKeyShown
from app.domain.errors import RuleBroken
from app.domain.self_service import Mode
from app.extensions import db
from app.models import CardOperation
from app.services import limits

MOST_STARTS, STARTS_WINDOW = 300, timedelta(minutes=1)  # from one address, behind which many sit
MOST_OF_CARD, CARD_WINDOW = 20, timedelta(minutes=15)  # with one card, from one address
PROOF_HOLDS = timedelta(hours=1)  # from the card's proof to the new passcode


class SelfServiceOff(RuleBroken):
    """This service unlocks no card without an agent."""

    reason = "self-service-off"


def mode() -> Mode:
    return Mode(current_app.config["SELF_SERVICE_MODE"])


def start(
    shown_guid: str | None,
    certificate: bytes | None,
    *,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
    address: str | None,
) -> NextTicket:
    """Ask the card in the reader to prove itself: the same for every card, known or not.

    ``shown_guid`` and ``certificate`` (DER, slot 9E) are what the page has read from it.

    Raises:
        SelfServiceOff: nobody unlocks a card without an agent here.
        RateLimited: too many came from this address, or with this card.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    if mode() is Mode.OFF:
        raise SelfServiceOff
    limits.count_try(f"unlock {address}", limit=MOST_STARTS, window=STARTS_WINDOW, now=now)
    limits.count_try(
        f"unlock {wire.digest([address, shown_guid])}",
        limit=MOST_OF_CARD,
        window=CARD_WINDOW,
        now=now,
    )
    return operation.start(
        shown_guid,
        CardKeyShown.from_certificate(certificate),
        sid=sid,
        seat=seat,
        browser=browser,
        office=office,
        now=now,
    )


def unfinished_here(browser: str, *, now: datetime) -> CardOperation | None:
    """The unlock that was begun in this browser, stands still, and can be gone on with."""
    row = db.session.scalar(
        select(CardOperation)
        .where(
            CardOperation.finished_at.is_(None),
            CardOperation.updated_at > now - PROOF_HOLDS,
            CardOperation.kind == unlock.KIND,
            CardOperation.browser == browser,
        )
        .order_by(CardOperation.updated_at.desc())
        .limit(1)
    )
    return row if row is not None and goes_on(row, now=now) else None


def find(public_id: str, *, browser: str) -> CardOperation | None:
    """The unlock with this name, if somebody began it in this browser without an agent."""
    row = journal.known(public_id, browser=browser)
    if row is None or row.kind != unlock.KIND or row.facts.get("mode") != unlock.SELF_SERVICE:
        return None
    return row


def goes_on(row: CardOperation, *, now: datetime) -> bool:
    """Whether an unlock can be gone on with: it is not over, and its card was there lately."""
    if row.state.is_over or row.facts.get("mode") != unlock.SELF_SERVICE:
        return False
    return now - datetime.fromisoformat(row.facts["proven_at"]) < PROOF_HOLDS
