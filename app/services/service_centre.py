"""The Smartcard Service Centre: who may try to unlock a card there, how often, and where it stands.

Nobody is signed in. The card proves itself first (``app.card_operations.service_centre``); what its
holder then has to know is ``unlock_attempts``.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from app.card_operations import journal, unlock, wire
from app.card_operations import service_centre as operation
from app.card_operations.answers import NextTicket
from app.card_operations.office import Office
from app.card_operations.service_centre import CardKeyShown
from app.domain.card_lifecycle import CardStatus, shown_status
from app.domain.days import day_of
from app.domain.errors import RateLimited, RuleBroken
from app.domain.one_time_code import Purpose
from app.domain.self_service import MOST_FAILURES, Mode
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation, SelfService
from app.services import limits, one_time_codes, unlock_attempts
from app.services.one_time_codes import SentCode
from app.services.self_service_state import mode
from app.services.unlock_attempts import AttemptOver, Blocked, Right, Wrong

MOST_STARTS, STARTS_WINDOW = 300, timedelta(minutes=1)  # from one address, behind which many sit
MOST_OF_CARD, CARD_WINDOW = 20, timedelta(minutes=15)  # with one card, from one address
PROOF_HOLDS = timedelta(hours=1)  # from the card's proof to the new passcode


class Step(StrEnum):
    """Where an unlock stands for the person at the card."""

    QUESTIONS = "questions"
    CODE = "code"
    PASSCODE = "passcode"
    DONE = "done"
    BLOCKED = "blocked"  # too many failed attempts
    OVER = "over"  # begun again elsewhere, too old, or not needed any more


class SelfServiceOff(RuleBroken):
    """This service unlocks no card without an agent."""

    reason = "self-service-off"


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


def begun(public_id: str, *, browser: str, now: datetime) -> None:
    """The card has proven itself. Where no questions are asked, the code is mailed now.

    A page that did not hear the answer brings the same proof again: that mails no second code.
    """
    row = find(public_id, browser=browser)
    if row is None or mode() is not Mode.CODE:
        return
    sent = sent_code(row, now)
    if sent is not None and sent.created_at >= datetime.fromisoformat(row.facts["proven_at"]):
        return
    with suppress(RateLimited, AttemptOver):  # the page says so to whoever asks for another
        unlock_attempts.send_code(row, now)


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
    """Whether an unlock can be gone on with: it is not over, its card was there lately, and it was
    not tried too often since.
    """
    if row.state.is_over or row.facts.get("mode") != unlock.SELF_SERVICE or mode() is Mode.OFF:
        return False
    lately = now - datetime.fromisoformat(row.facts["proven_at"]) < PROOF_HOLDS
    return lately and len(row.steps) < journal.MOST_STEPS


def step_of(row: CardOperation, *, now: datetime) -> Step:
    """Which page is due. What was allowed, and what was answered, holds for a while."""
    if row.state is OperationState.DONE:
        return Step.DONE
    own = _own(row)
    if not goes_on(row, now=now) or own is None or own.registered_at is None:
        return Step.OVER
    if unlock.is_allowed(row, now=now):
        return Step.PASSCODE
    if own.blocked_at is not None:
        return Step.BLOCKED
    return Step.QUESTIONS if unlock_attempts.questions_for(row) else Step.CODE


def tries_left(row: CardOperation) -> int:
    """How often the holder may still fail before self-service is blocked for them."""
    own = _own(row)
    return max(0, MOST_FAILURES - own.failed_attempts) if own is not None else 0


def _own(row: CardOperation) -> SelfService | None:
    return db.session.scalar(select(SelfService).filter_by(person_id=row.person_id))


def sent_code(row: CardOperation, now: datetime) -> SentCode | None:
    """The code that was mailed last for this unlock's holder, whatever has become of it."""
    assert row.person_id is not None
    return one_time_codes.newest(row.person_id, Purpose.UNLOCK, now)


def needs_repair(card: Card, now: datetime) -> bool:
    """Whether the certificates have expired: nobody can sign in with them."""
    shown = shown_status(card.status, card.expires_on, today=day_of(now))
    return shown is CardStatus.EXPIRED


def answer(
    row: CardOperation, answers: list[str], *, address: str | None, now: datetime
) -> Right | Wrong | Blocked:
    """Judge the answers to the questions asked; right ones have a code mailed.

    Raises:
        RateLimited: too many answers came from this address.
    """
    limits.count_try(f"answers {address}", limit=MOST_STARTS, window=STARTS_WINDOW, now=now)
    return unlock_attempts.answer(row, answers, now)


def redeem(
    row: CardOperation, typed: str, *, address: str | None, now: datetime
) -> Right | Blocked:
    """Judge the code that was mailed; the right one allows the new passcode.

    Raises:
        RateLimited: too many codes came from this address.
        CodeRefused, AttemptOver: see ``unlock_attempts.redeem``.
    """
    limits.count_try(f"codes {address}", limit=MOST_STARTS, window=STARTS_WINDOW, now=now)
    return unlock_attempts.redeem(row, typed, now)


def free_at(facts: dict[str, Any]) -> datetime:
    """When whoever works on a card that is in hand will be done with it."""
    return datetime.fromisoformat(facts["free_at"])
