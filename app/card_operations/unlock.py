"""Unlocking: the card proves that it is genuine, its PUK is replaced, a new passcode is set.

It serves a locked card and a forgotten passcode alike. The PUK that the card is to have is written
down, sealed, before it is sent; ``app.domain.puk`` says which values to try after a lost answer.

=======  =========================================================  ==============================
step     card work                                                  cut: way forward
=======  =========================================================  ==============================
start    U1: 9E signs unlock-start, no passcode                     again
unlock   U2: the bridge checks the new passcode; CHANGE REFERENCE   again: the pending PUK once
         (PUK) to the pending one; RESET RETRY COUNTER; VERIFY;     more, never a third; or the
         9A signs                                                   holder signs in
prove    where that key does not sign: 9C, then 9E, whose word      again, or the holder signs in
         and the bridge's receipt then have to do
=======  =========================================================  ==============================

With an agent U2 follows U1 at once. Without one, U1 is done at the Service Centre, before anything
of the card's holder is decided (``service_centre``); what it begins here stands still before U2
until ``allow`` was called, and may then do U2, as often as it takes, for fifteen minutes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.card_operations import (
    base,
    change_passcode,
    journal,
    permitted,
    sealed,
    stopping,
    which_puk,
)
from app.card_operations.answers import NextTicket
from app.card_operations.base import (
    Ask,
    Done,
    GoOn,
    Move,
    Operation,
    Pause,
    Result,
    Turn,
)
from app.card_operations.change_passcode import rule_for_bridge
from app.card_operations.keys_on_card import key_on
from app.card_operations.office import Office
from app.card_operations.refusals import CardNotVerified, PukUnknown, UnlockNotAllowed
from app.card_operations.statements import KnownKey, Statement, StatementRefused
from app.card_operations.which_passcode import CERTAIN, give_up_others
from app.domain.card_lifecycle import CardEvent, CardStatus, next_status, shown_status
from app.domain.card_services import CardService
from app.domain.days import day_of
from app.domain.errors import Conflict
from app.domain.principal import Principal
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Card, CardOperation
from reader_bridge.contract import Code, Command, Hold, PasscodeRefusal, Purpose, Slot, Stage

KIND = "unlock"
START, UNLOCK, PROVE = "start", "unlock", "prove"
ALLOWED_FOR = timedelta(minutes=15)
ASSISTED, SELF_SERVICE = "assisted", "self-service"
STAGES = (
    Stage.CHECKING_CARD,
    Stage.PROVING,
    Stage.UNLOCKING,
    Stage.CHECKING_PASSCODE,
    Stage.SIGNING,
)


class Unlock(Operation):
    """Done → facts {guid, number, expired}: a repair follows where the certificates expired."""

    kind = KIND
    event = "card.unlock"
    first_step = START
    sends_secrets = True
    survives_refusal = True
    exclusive = True

    def ask(self, turn: Turn) -> Ask:
        next_status(turn.card.status, CardEvent.UNLOCK)
        if turn.step.name == START:
            work, hold = _work_start(turn), Hold.PASSCODE
        elif turn.step.name == UNLOCK:
            work, hold = _work_unlock(turn), Hold.PASSCODE
        else:
            work, hold = [turn.sign(_signer(turn), Purpose.UNLOCK)], Hold.PASSCODE
        shown = turn.operation.facts["shown_guid"]
        return Ask(work=work, card=shown, hold=hold, stages=STAGES)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        next_status(turn.card.status, CardEvent.UNLOCK)
        if turn.step.name == START:
            _statement(turn, results[0], _card_key(turn), Purpose.UNLOCK_START)
            return GoOn(UNLOCK)
        if turn.step.name == UNLOCK:
            _passcode_is_set(turn)
        signer = _signer(turn)
        try:
            made = _statement(turn, results[-1], signer, Purpose.UNLOCK)
        except StatementRefused:
            if not _another_signer(turn, signer):
                raise
            return GoOn(PROVE)
        return _finish(turn, made.token, signer)

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        told = dict(facts)
        if turn.step.name == UNLOCK and _nothing_was_sent(code, facts):
            which_puk.not_sent(turn)
        if code == Code.PUK_REFUSED:
            which_puk.refused(turn, told, sure)
            return Pause(turn.step.name, code, told)
        refused_to_sign = code == Code.CARD_REFUSED and facts.get("command") == Command.SIGN
        if refused_to_sign and turn.step.name == START:
            # Some cards sign nothing with passcode and PUK both blocked
            return Pause(START, code, {**told, "way": which_puk.NEW_CARD})
        if refused_to_sign and sure:
            # What comes before the signature has been done: the workstation says so
            if turn.step.name == UNLOCK:
                _passcode_is_set(turn)
            if _another_signer(turn, _signer(turn)):
                return GoOn(PROVE)
        return Pause(turn.step.name, code, told)

    def resumes_at(self, operation: CardOperation) -> str:
        return UNLOCK if operation.facts["mode"] == SELF_SERVICE else START


UNLOCKING = base.register(Unlock())


def start_assisted(
    agent: Principal,
    card: Card,
    *,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
    guid: str | None = None,
    tries_left: int | None = None,
) -> NextTicket:
    """Unlock a holder's card with an agent's help, or go on with an unlock that was cut. Commits.

    The card is in ``seat``, the second reader; the holder types the new passcode, once, with the
    first ticket. ``guid`` is what the card shows, where other software has written that: its card
    key proves it in any case. ``tries_left`` is what the chip said of its passcode.

    Raises:
        Conflict: "another-card", when ``guid`` is another card's.
        NotFound, NotAllowed, CardServiceRefused: as ``permitted.demand``.
        PukUnknown: the card's PUK is none that the service knows; the holder needs a new card.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
        CardInHand: somebody else is at work on the card.
    """
    stopping.locked(card.id)  # read under their locks: what runs on the card, and the card
    permitted.demand(agent, card, CardService.UNLOCK, now=now, tries_left=tries_left)
    shown = _shown(card, guid)
    if sealed.doubt(card).unknown:
        raise PukUnknown
    at: dict[str, Any] = {
        "sid": sid, "seat": seat, "browser": browser, "actor": agent, "office": office, "now": now,
    }  # fmt: skip
    begun = journal.unfinished(card, KIND)
    if begun is not None:
        begun.facts.update(mode=ASSISTED, shown_guid=shown)
        return journal.take_over(begun, **at)
    return journal.begin(
        UNLOCKING,
        card=card,
        person_id=card.person_id,
        facts={"mode": ASSISTED, "shown_guid": shown},
        **at,
    )


def _shown(card: Card, guid: str | None) -> str:
    """What the card in the reader shows: its own identifier, or one that is no other card's."""
    shown = guid.lower() if guid else card.guid
    if shown != card.guid and db.session.scalar(select(Card.id).filter_by(guid=shown)):
        raise Conflict("another-card")
    return shown


def allow(operation: CardOperation, *, now: datetime) -> None:
    """Let self-service go on to U2, for fifteen minutes. Part of the caller's action.

    The caller has made sure of whoever is there. ``journal.ticket`` then gives the ticket.
    """
    operation.facts["allowed_at"] = now.isoformat()


def _work_start(turn: Turn) -> list[dict[str, Any]]:
    return [turn.sign(_card_key(turn), Purpose.UNLOCK_START)]


def _statement(turn: Turn, result: Result, key: KnownKey, purpose: Purpose) -> Statement:
    return turn.statement(result, key, purpose, guid=turn.operation.facts["shown_guid"])


def _work_unlock(turn: Turn) -> list[dict[str, Any]]:
    if not is_allowed(turn.operation, now=turn.now):
        raise UnlockNotAllowed
    vault, card = turn.office.vault, turn.card
    if card.puk_pending_sealed is None:
        sealed.keep_pending_puk(vault, card, _another_puk(turn))
    if sealed.doubt(card).unknown:
        raise PukUnknown
    values = which_puk.to_try(turn)
    turn.operation.facts["unproven"] = []
    return [
        {
            "command": Command.UNLOCK.value,
            "rule": rule_for_bridge(card, turn.operation.person),
            "puk_candidates": sealed.candidates_for_bridge(turn.connection, values),
            "new_puk": sealed.for_bridge(turn.connection, sealed.pending_puk(vault, card).encode()),
        },
        turn.sign(_signer(turn), Purpose.UNLOCK),
    ]


def _another_puk(turn: Turn) -> str:
    current = sealed.current_puk(turn.office.vault, turn.card)
    while (puk := sealed.new_puk()) == current:
        pass
    return puk


def is_allowed(operation: CardOperation, *, now: datetime) -> bool:
    """Whether U2 may be done: with an agent always, else for fifteen minutes after ``allow``."""
    own = operation.facts
    if own["mode"] != SELF_SERVICE:
        return True
    allowed = own.get("allowed_at")
    return allowed is not None and now - datetime.fromisoformat(allowed) <= ALLOWED_FOR


def _passcode_is_set(turn: Turn) -> None:
    """The card has taken the pending PUK, and with it the new passcode."""
    sealed.settle_puk(turn.office.vault, turn.card)
    turn.card.new_passcode_refused = False
    give_up_others(turn, change_passcode.KIND)
    turn.card.apply(CardEvent.UNLOCK, now=turn.now)


def _nothing_was_sent(code: str, facts: Mapping[str, Any]) -> bool:
    """Whether it is certain that the card was not asked to change its PUK."""
    if code == Code.PASSCODE_REFUSED:
        return facts.get("rule") != PasscodeRefusal.CARD
    return code in CERTAIN and code not in (Code.WRONG_PASSCODE, Code.PASSCODE_LOCKED)


# Which key says that the new passcode holds


def _signers(card: Card) -> list[KnownKey]:
    """The keys to ask, in order; while a renewal or a repair stands still, 9A may be unknown."""
    slots = (Slot.AUTHENTICATION, Slot.SIGNATURE, Slot.CARD_AUTHENTICATION)
    return [key for slot in slots if (key := key_on(card, slot)) is not None]


def _signer(turn: Turn) -> KnownKey:
    failed = turn.operation.facts["unproven"]
    left = [key for key in _signers(turn.card) if key.slot.value not in failed]
    if not left:
        raise StatementRefused("no key")
    return left[0]


def _another_signer(turn: Turn, failed: KnownKey) -> bool:
    own = turn.operation.facts
    own["unproven"] = [*own["unproven"], failed.slot.value]
    return any(key.slot.value not in own["unproven"] for key in _signers(turn.card))


def _card_key(turn: Turn) -> KnownKey:
    key = key_on(turn.card, Slot.CARD_AUTHENTICATION)
    if key is None:
        raise CardNotVerified("no card key")
    return key


def _finish(turn: Turn, statement: str, signer: KnownKey) -> Move:
    card = turn.card
    shown = shown_status(card.status, card.expires_on, today=day_of(turn.now))
    expired = shown is CardStatus.EXPIRED
    turn.record(
        "card.unlocked",
        Outcome.DONE,
        by_holder=turn.operation.facts["mode"] == SELF_SERVICE,
        statement=statement,
        slot=signer.slot,
        expired=expired,
    )
    return Done({"guid": card.guid, "number": card.number, "expired": expired})
