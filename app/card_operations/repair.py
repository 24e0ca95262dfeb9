"""Repairing a card: a new pair after an identity check, where nothing on it vouches for a renewal.

For a card that has expired, that was left half written, or that other software has changed. The
agent has approved it with their own card; the holder types the passcode. The card shows that it is
ours by its card-authentication key (9E) and by the management key; where 9E is gone, by the
management key alone, and 9E is made first. A GUID that other software has written is put right.

=========  ==========================================================  ===========================
step       card work                                                   cut: way forward
=========  ==========================================================  ===========================
open       9E signs, unless it is gone; witness of the management key  again
first      answer; the card's GUID where it shows another; then as     again from ``open``
           ``keys``
keys       write and prove what is certified; make the next key,       certified: written again;
           proven by itself and by the key before it: (9E,) 9C, 9A     not certified: made again
the last   the last certificate written, 9A signs: the new keys        written and proven again
           count, the old ones are superseded
=========  ==========================================================  ===========================
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.card_operations import (
    approvals,
    base,
    journal,
    management_session,
    objects,
    permitted,
    renew,
    sealed,
    stopping,
    wire,
)
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, GoOn, Move, Operation, Pause, Result, Turn, key_row
from app.card_operations.certificates import (
    activate,
    active_certificate,
    drop_unplaced,
    key_being_made,
)
from app.card_operations.keys_on_card import asked_to_make
from app.card_operations.new_keys import NewKeys, write_certificate
from app.card_operations.office import Office
from app.card_operations.refusals import ApprovalNeeded
from app.card_operations.statements import KnownKey, Statement, StatementRefused
from app.card_operations.tickets import Work
from app.card_operations.which_passcode import told_which
from app.domain.approval import Act, ActKind
from app.domain.card_lifecycle import CardEvent
from app.domain.card_services import CardService, CardServiceRefused, WhyNot
from app.domain.principal import Principal
from app.domain.statuses import Outcome
from app.models import Card, CardOperation
from app.pki.profiles import CARD_LIFE_DAYS
from reader_bridge.contract import Code, Command, Hold, Purpose, Slot, Stage

KIND = "repair"
OPEN, FIRST, KEYS = "open", "first", "keys"

CARD_KEY = Slot.CARD_AUTHENTICATION
PAIR = NewKeys((Slot.SIGNATURE, Slot.AUTHENTICATION), Purpose.REPAIR)
ALL = NewKeys((CARD_KEY, Slot.SIGNATURE, Slot.AUTHENTICATION), Purpose.REPAIR)
OPENING = (Stage.CHECKING_CARD, Stage.PROVING)


class Repair(Operation):
    kind = KIND
    event = "card.repair"
    first_step = OPEN
    sends_secrets = True  # none; but only from a PC of ours is a new key known to be in the card
    survives_refusal = True
    exclusive = True

    def ask(self, turn: Turn) -> Ask:
        shown = turn.operation.facts["shown_guid"]
        if turn.step.name == OPEN:
            key = _card_key(turn)
            proof = [turn.sign(key, Purpose.REPAIR)] if key else []
            opening = [*proof, management_session.witness_work()]
            return Ask(work=opening, card=shown, hold=Hold.CARD, stages=OPENING)
        keys = _new_keys(turn)
        work: list[Work] = []
        if turn.step.name == FIRST:
            management_key = sealed.management_key(turn.office.vault, turn.card)
            work.append(management_session.answer_work(turn, management_key))
            work += _work_put_right(turn)
        hold = Hold.CARD if keys.makes_one(turn) else Hold.NOTHING
        stages = keys.stages(turn)
        work += keys.work(turn, _first_voucher(turn))
        return Ask(work=work, card=shown, hold=hold, continues=True, stages=stages)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        renew.card_as_it_is_now(turn, CardService.REPAIR)
        if turn.step.name == OPEN:
            return self._accept_opening(turn, results)
        if turn.step.name == FIRST:
            management_key = sealed.management_key(turn.office.vault, turn.card)
            management_session.check_response(turn, results[0], management_key)
            results = results[1 + len(_work_put_right(turn)) :]
            _note_put_right(turn)
        assert turn.operation.person is not None
        made = _new_keys(turn).accept(
            turn, results, _first_voucher(turn), uuid=turn.operation.person.uuid
        )
        return GoOn(KEYS) if made is None else _finish(turn, made)

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        refused = facts.get("command") if code == Code.CARD_REFUSED else None
        if turn.step.name == OPEN and refused == Command.SIGN:
            return _without_card_key(turn)
        return Pause(OPEN, code, told_which(turn, code, facts, sure))

    def resumes_at(self, operation: CardOperation) -> str:
        return OPEN

    def _accept_opening(self, turn: Turn, results: list[Result]) -> Move:
        key = _card_key(turn)
        if key is not None:
            shown = turn.operation.facts["shown_guid"]
            try:
                turn.statement(results[0], key, Purpose.REPAIR, guid=shown)
            except StatementRefused as error:
                if not error.problem.startswith("signature"):
                    raise
                return _without_card_key(turn)  # other software has made another key there
        management_session.note_witness(turn, results[-1])
        return GoOn(FIRST)


REPAIR = base.register(Repair())


def start(
    agent: Principal,
    card: Card,
    *,
    approval: str | None,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
    certificates: Mapping[str, bytes] | None = None,
) -> NextTicket:
    """Repair a card in the second reader, with its holder, or go on with that. Commits.

    ``approval`` names the agent's signed approval, which is used up; who goes on with what they
    have approved needs no other. ``guid`` is what the card shows, which may be another's or none,
    and ``certificates`` (DER, by slot) what the page has read from it. ``seat`` is the card's.

    Raises:
        ApprovalNeeded: none was given.
        NotFound, ApprovalSpent, ApprovalTooOld: about the approval.
        NotFound, NotAllowed, CardServiceRefused: about the card, or the agent.
        CardInHand: somebody else is at work on the card.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    stopping.locked(card.id)  # read under their locks: what runs on the card, and the card
    permitted.demand(agent, card, CardService.REPAIR, now=now)
    shown = guid.lower() if guid else None
    standing = journal.unfinished(card, KIND)
    approved_by = standing.facts["approved_by"] if standing else None
    evidence: dict[str, Any] = standing.facts["approval"] if standing else {}
    if approval is not None:
        act = Act(act=ActKind.REPAIR, person_id=card.person_id, card_id=card.id)
        evidence = approvals.spend(approval, act=act, principal=agent, now=now).evidence
    elif approved_by != agent.person_id:
        raise ApprovalNeeded
    facts = {
        "shown_guid": shown,
        "approval": evidence,
        "approved_by": agent.person_id,
        "card_certificate_gone": _is_gone(card, certificates),
    }
    if standing is not None:
        standing.facts.update(facts)
        return journal.take_over(
            standing, sid=sid, seat=seat, browser=browser, actor=agent, office=office, now=now
        )
    facts |= _from_the_beginning(card, now)
    journal.demand_free(REPAIR, card, browser, now)
    stopping.end_all(card, now=now)  # a renewal that cannot be gone on with
    return journal.begin(
        REPAIR,
        sid=sid,
        seat=seat,
        browser=browser,
        card=card,
        person_id=card.person_id,
        actor=agent,
        office=office,
        now=now,
        facts=facts,
    )


def _from_the_beginning(card: Card, now: datetime) -> dict[str, Any]:
    """What was issued to this card and never placed on it is given up: all is made again.

    What a renewal has asked of the card stays asked, so that no old key is taken for known.
    """
    drop_unplaced(card, ALL.order, now=now)
    known = {slot: row.algorithm for slot in ALL.order if (row := key_row(card, slot))}
    if not known:
        raise CardServiceRefused(WhyNot.BLANK)
    usual = known.get(Slot.AUTHENTICATION, next(iter(known.values())))
    return {
        "algorithms": {slot.value: known.get(slot, usual) for slot in ALL.order},
        "written": [],
        "asked_to_make": asked_to_make(card),
        "without_card_key": False,
    }


def _is_gone(card: Card, certificates: Mapping[str, bytes] | None) -> bool:
    """Whether the card does not have the certificate of its card-authentication key any more."""
    if certificates is None:
        return False
    kept = active_certificate(card, CARD_KEY)
    return kept is not None and certificates.get(CARD_KEY.value) != kept.der


# The card's own key


def _without_card_key(turn: Turn) -> Move:
    """9E does not prove the card: the management key has to, and 9E is made first."""
    turn.operation.facts["without_card_key"] = True
    drop_unplaced(turn.card, ALL.order, now=turn.now)
    turn.operation.facts["written"] = []
    return GoOn(OPEN)


def _card_key(turn: Turn) -> KnownKey | None:
    """The key with which the card proves itself, if the service knows one that it has."""
    made = key_being_made(turn.card, CARD_KEY)
    if made is not None or turn.operation.facts["without_card_key"]:
        return made
    return base.key_of(turn.card, CARD_KEY)


def _new_keys(turn: Turn) -> NewKeys:
    return ALL if turn.operation.facts["without_card_key"] else PAIR


def _first_voucher(turn: Turn) -> KnownKey | None:
    """9E vouches for 9C; where 9E itself is new, the management key alone has vouched for it."""
    return None if turn.operation.facts["without_card_key"] else _card_key(turn)


def _work_put_right(turn: Turn) -> list[Work]:
    """The card's own GUID where it shows another one; 9E's certificate where it is gone."""
    own, work = turn.operation.facts, []
    if own["shown_guid"] != turn.card.guid:
        expires = ((turn.card.issued_at or turn.now) + timedelta(days=CARD_LIFE_DAYS)).date()
        chuid = wire.to_text(objects.chuid(UUID(turn.card.guid), expires))
        work.append({"command": Command.WRITE_OBJECTS.value, "objects": {objects.CHUID: chuid}})
    kept = active_certificate(turn.card, CARD_KEY)
    if own["card_certificate_gone"] and not own["without_card_key"] and kept is not None:
        work.append(write_certificate(kept))
    return work


def _note_put_right(turn: Turn) -> None:
    own = turn.operation.facts
    if own["shown_guid"] != turn.card.guid:
        own["identifier_was"] = own["shown_guid"] or "none"
        own["shown_guid"] = turn.card.guid
    own["card_certificate_gone"] = False


# Until the end


def _finish(turn: Turn, last: Statement) -> Move:
    """The new keys are proven: they count from now on, and the old ones no more."""
    card, own = turn.card, turn.operation.facts
    card.apply(CardEvent.REPAIR, now=turn.now)
    card.expires_on = activate(card, _new_keys(turn).order, now=turn.now)
    drop_unplaced(card, ALL.order, now=turn.now)
    card.self_renewals_in_row = 0
    turn.record(
        "card.repaired",
        Outcome.DONE,
        expires_on=str(card.expires_on),
        card_key_made=own["without_card_key"],
        identifier_was=own.get("identifier_was"),
        proof=last.token,
        **own["approval"],
    )
    return Done({"guid": card.guid, "expires_on": card.expires_on.isoformat()})
