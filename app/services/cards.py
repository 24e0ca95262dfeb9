"""What is decided about a card, with the card in the reader or without: cancelled, suspended,
resumed, reported.

Each is one transaction with one event. The card's sessions end everywhere, what runs on it stops,
its certificates follow, and the people concerned are told by mail.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app import audit
from app.card_operations import approve, base, change_passcode, permitted, stopping, unlock
from app.card_operations.answers import NextTicket
from app.card_operations.base import Turn
from app.card_operations.certificates import revoke
from app.card_operations.office import Office
from app.domain.approval import Act, ActKind
from app.domain.cancelling import REVOCATIONS, CancelReason
from app.domain.card_lifecycle import CardEvent, CardStatus, shown_status
from app.domain.card_services import CardService
from app.domain.days import day_of
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import Outcome, SessionEnd
from app.extensions import db
from app.models import Card
from app.services import alerts, card_mail, requests, sessions

NOTE_LENGTH = 500


class Missing(StrEnum):
    NOTE = "note-missing"
    TOO_LONG = "note-too-long"


class Report(StrEnum):
    """What holders say has happened to their card."""

    LOST = "lost"
    STOLEN = "stolen"
    DAMAGED = "damaged"
    MISUSED = "misused"  # somebody else has used it


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What followed from a report. ``signed_out``: the holder's own session ended with the card.

    ``request`` is the number of the request for a new card, where one was filed. Where not
    ``cancelled``, the holder is to change the passcode, and may ask for cancelling.
    """

    cancelled: bool
    signed_out: bool
    request: int | None


def start_cancel(
    agent: Principal,
    card_id: int,
    *,
    reason: CancelReason,
    note: str,
    replacement: bool,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the agent's own card (in ``seat``) to sign for the cancelling of another card. Commits.

    The card to be cancelled need not be there. When the signature has arrived, it is cancelled, in
    the same transaction. ``replacement`` files a request for a new card.

    Raises:
        Invalid: the reason needs a note ("note": Missing).
        NotFound, NotAllowed, CardServiceRefused: about the card, or the agent.
        Conflict: the card in ``seat`` is not the one that is signed in.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    note = _note(note, needed=reason.wants_note)
    card = _card(card_id)
    permitted.demand(agent, card, CardService.CANCEL, now=now)
    return approve.start(
        agent,
        Act(
            act=ActKind.CANCEL,
            person_id=card.person_id,
            card_id=card.id,
            reason=reason.value,
            note=note,
            replacement=replacement,
        ),
        sid=sid, seat=seat, guid=guid, browser=browser, office=office, now=now,
    )  # fmt: skip


@base.when_done(approve.KIND)
def cancel_when_approved(turn: Turn) -> None:
    """Cancel the card whose cancelling an agent's card has just signed for."""
    act = approve.act_of(turn.operation)
    if act.act is not ActKind.CANCEL or act.card_id is None or turn.actor is None:
        return
    card = _locked(act.card_id)
    permitted.demand(turn.actor, card, CardService.CANCEL, now=turn.now)
    _cancel(
        card,
        CancelReason(act.reason),
        note=act.note,
        replacement=act.replacement,
        actor=turn.actor,
        now=turn.now,
        **approve.evidence(turn.operation),
    )


def suspend(agent: Principal, card_id: int, *, note: str, now: datetime) -> None:
    """Put a card on hold. Its certificates are not good meanwhile; an agent can resume it.

    Raises:
        Invalid: without a note that says why ("note": Missing).
        NotFound, NotAllowed, CardServiceRefused: about the card, or the agent.
    """
    note = _note(note, needed=True)
    card = _locked(card_id)
    permitted.demand(agent, card, CardService.SUSPEND, now=now)
    card.apply(CardEvent.SUSPEND, now=now)
    stopped = stopping.stop_all(card, now=now)
    sessions.end_all_of_card(card.id, SessionEnd.CARD_SUSPENDED, now)
    _record("card.suspended", card, agent, now, note=note, stopped=stopped)
    card_mail.tell_holder(card.person, "card-suspended", now=now, **card_mail.card_facts(card))
    db.session.commit()


def resume(agent: Principal, card_id: int, *, note: str = "", now: datetime) -> None:
    """End a suspension: the card and its certificates are good again.

    Raises:
        Invalid: the note is too long ("note": Missing).
        NotFound, NotAllowed, CardServiceRefused: about the card, or the agent.
    """
    note = _note(note, needed=False)
    card = _locked(card_id)
    permitted.demand(agent, card, CardService.RESUME, now=now)
    card.apply(CardEvent.RESUME, now=now)
    _record("card.resumed", card, agent, now, note=note)
    card_mail.tell_holder(card.person, "card-resumed", now=now, **card_mail.card_facts(card))
    db.session.commit()


def report(
    holder: Principal,
    card_id: int,
    what: Report,
    *,
    note: str = "",
    replacement: bool = True,
    cancel: bool = False,
    now: datetime,
) -> Reported:
    """A holder says that their own card is lost, stolen, damaged, or was used by someone else.

    Lost, stolen, damaged: it is cancelled at once, and a new card is asked for. Used by someone
    else: the registration authority and the line manager are told, and nothing is cancelled unless
    the holder asks for it (``cancel``), once they have been told or at once. The
    card with which the holder is signed in is in the reader, so that it is neither lost nor
    stolen; damaged it may be, and then the session ends with it. Whoever has lost their only card
    tells an agent, who cancels it.

    Raises:
        Invalid: the note is too long ("note": Missing).
        NotFound: it is not this person's card.
        NotAllowed, CardServiceRefused: it is cancelled already, or was never issued.
        Conflict: "card-is-here", when the card that is lost or stolen is the one in use.
    """
    holder.demand(Permission.REPORT_OWN_CARD)
    note = _note(note, needed=False)
    card = _locked(card_id)
    if card.person_id != holder.person_id:
        raise NotFound("card", card_id)
    permitted.demand_of_holder(holder, card, CardService.REPORT, now=now)
    in_use = card.id == holder.card_id
    if what is Report.MISUSED and not cancel:
        return _misused(card, holder, note=note, now=now)
    if in_use and what in (Report.LOST, Report.STOLEN):
        raise Conflict("card-is-here")
    request = _cancel(
        card,
        CancelReason(what),
        note=note,
        replacement=replacement,
        actor=holder,
        now=now,
        reported=True,
    )
    db.session.commit()
    return Reported(cancelled=True, signed_out=in_use, request=request)


def _misused(card: Card, holder: Principal, *, note: str, now: datetime) -> Reported:
    assert card.person is not None
    _record("card.misuse-reported", card, holder, now, note=note)
    facts = {**card_mail.card_facts(card), "note": note, "at": now}
    told = {
        "ra": card_mail.tell_ra(card.person, "card-misuse-reported-ra", now=now, **facts),
        "manager": card_mail.tell_line_manager(
            card.person, "card-misuse-reported-manager", now=now, **facts
        ),
    }
    card_mail.tell_holder(card.person, "card-misuse-reported", now=now, told=told, **facts)
    db.session.commit()
    return Reported(cancelled=False, signed_out=False, request=None)


def _cancel(
    card: Card,
    reason: CancelReason,
    *,
    note: str,
    replacement: bool,
    actor: Principal,
    now: datetime,
    **evidence: Any,
) -> int | None:
    """For good. Part of the caller's action. Returns the number of the request for a new card."""
    card.apply(CardEvent.CANCEL, now=now)
    stopped = stopping.end_all(card, now=now)
    for certificate in card.certificates:
        revoke(certificate, REVOCATIONS[reason], now)
    sessions.end_all_of_card(card.id, SessionEnd.CARD_CANCELLED, now)
    request = None
    if replacement and card.person is not None:
        # A holder asks for it; where an agent cancels, it follows from that, and is nobody's own.
        asked_by = actor if actor.person_id == card.person_id else None
        request = requests.file_card_request(
            card.person, card=card, reason=reason.value, by=asked_by, now=now
        ).id
    _record(
        "card.cancelled",
        card,
        actor,
        now,
        reason=reason,
        note=note,
        stopped=stopped,
        request=request,
        **evidence,
    )
    facts = {**card_mail.card_facts(card), "reason": reason.value, "requested": request is not None}
    facts["note"] = note
    card_mail.tell_holder(card.person, "card-cancelled", now=now, **facts)
    card_mail.tell_ra(card.person, "card-cancelled-ra", now=now, by=actor.name, **facts)
    return request


def _record(event: str, card: Card, actor: Principal, now: datetime, **facts: Any) -> None:
    audit.record(
        event,
        outcome=Outcome.DONE,
        actor=actor,
        subject_person_id=card.person_id,
        subject_card_id=card.id,
        now=now,
        **facts,
    )


def _card(card_id: int) -> Card:
    card = db.session.get(Card, card_id)
    if card is None:
        raise NotFound("card", card_id)
    return card


def _locked(card_id: int) -> Card:
    card = stopping.locked(card_id)
    if card is None:
        raise NotFound("card", card_id)
    return card


def _note(note: str, *, needed: bool) -> str:
    note = note.strip()
    if needed and not note:
        raise Invalid({"note": Missing.NOTE})
    if len(note) > NOTE_LENGTH:
        raise Invalid({"note": Missing.TOO_LONG})
    return note


# What follows from operations with the card in a reader


@base.when_done(unlock.KIND)
def tell_of_unlock(turn: Turn) -> None:
    """Whoever's card was unlocked hears of it, in case it was not them."""
    card = turn.card
    expired = shown_status(card.status, card.expires_on, today=day_of(turn.now))
    alerts.alert(
        card.person,
        "card-unlocked",
        now=turn.now,
        by=_helper(turn),
        expired=expired is CardStatus.EXPIRED,
        **card_mail.card_facts(card),
    )


@base.when_done(change_passcode.KIND)
def tell_of_new_passcode(turn: Turn) -> None:
    """Whoever's passcode was changed hears of it, in case it was not them."""
    alerts.alert(
        turn.card.person,
        "passcode-changed",
        now=turn.now,
        by=_helper(turn),
        **card_mail.card_facts(turn.card),
    )


def _helper(turn: Turn) -> str | None:
    """The agent who helped; nobody where holders did it by themselves."""
    if turn.actor is None or turn.actor.person_id == turn.card.person_id:
        return None
    return turn.actor.name
