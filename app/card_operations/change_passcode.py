"""Changing the passcode: the old one opens the card, the new one is proven by a signature.

When the answer to the change is lost, the card is never asked to try: the holder is told to use
the new passcode, and, once that was refused, only ever the old one. When it was the page that did
not hear how a change ended, the first refusal of the wrong one says so (``which_passcode``).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.card_operations import base, journal, permitted, which_passcode
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, Move, Operation, Pause, Result, Turn
from app.card_operations.keys_on_card import key_on
from app.card_operations.office import Office
from app.card_operations.refusals import PasscodeInDoubt
from app.card_operations.statements import StatementRefused
from app.card_operations.which_card import demand_own
from app.card_operations.which_passcode import (
    ASKED_AT,
    CERTAIN,
    CHANGE,
    CONFIRM,
    NEW_THEN_OLD,
    OLD,
    SETS_PASSCODE,
    THEN_OLD,
    asked_at,
    demand_known,
    give_up_others,
    in_doubt,
    may_have_happened,
    passcode_hint,
    told_which,
)
from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import CardService, CardServiceRefused, WhyNot
from app.domain.errors import Conflict
from app.domain.principal import Principal
from app.domain.statuses import OperationState, Outcome
from app.extensions import db
from app.models import Card, CardOperation, Person
from reader_bridge.contract import (
    STEP_SECONDS,
    TICKET_SECONDS,
    Code,
    Command,
    Purpose,
    Slot,
    Stage,
)
from reader_bridge.contract import Outcome as CardOutcome

KIND = which_passcode.CHANGE_PASSCODE
OUT_OF_USE = {
    CardStatus.SUSPENDED: WhyNot.SUSPENDED,
    CardStatus.CANCELLED: WhyNot.CANCELLED,
    CardStatus.BLANK: WhyNot.BLANK,
}
LOST = "answer-lost"
REFUSED_BEFORE = "refused_before"
LONGEST = timedelta(seconds=TICKET_SECONDS + STEP_SECONDS)  # until an answer comes, if one does
STAGES = (
    Stage.CHECKING_CARD,
    Stage.CHECKING_PASSCODE,
    Stage.CHANGING_PASSCODE,
    Stage.SIGNING,
)


class ChangeUnsettled(Conflict):
    """Nobody knows whether the last change happened: ``operation`` is to be gone on with."""

    reason = "change-unsettled"


def rule_for_bridge(card: Card, person: Person | None) -> dict[str, Any]:
    """What the bridge checks before it touches the card; the server never sees a passcode."""
    return card.passcode_rule.as_facts(card.number, person.uuid if person else None)


def unsettled(actor: Principal, *, browser: str, now: datetime) -> str | None:
    """The change in this session of which nobody knows whether it happened, to be gone on with."""
    last = db.session.scalar(
        select(CardOperation)
        .where(
            CardOperation.session_id == actor.session_id,
            CardOperation.card_id == actor.card_id,  # not one that they help with
            CardOperation.kind == KIND,
            CardOperation.browser == browser,
        )
        .order_by(CardOperation.id.desc())
        .limit(1)
    )
    if last is None or last.state.is_over:
        return None
    under_way = last.state is OperationState.OPEN and now - last.updated_at < LONGEST
    lost = last.step == CONFIRM or (may_have_happened(last) and not under_way)
    return last.public_id if lost else None


class ChangePasscode(Operation):
    kind = KIND
    event = "card.passcode-change"
    first_step = CHANGE
    survives_refusal = True
    exclusive = True

    def ask(self, turn: Turn) -> Ask:
        key = key_on(turn.card, Slot.AUTHENTICATION)
        if key is None:
            raise StatementRefused("no authentication key")
        work = [turn.sign(key, Purpose.PASSCODE_CHANGE)]
        if turn.step.name == CHANGE:
            _demand_in_use(turn.card)
            _be_in_doubt_again(turn)
            rule = rule_for_bridge(turn.card, turn.operation.person)
            work.insert(0, {"command": Command.CHANGE_PASSCODE.value, "rule": rule})
        else:
            demand_known(turn)
        return Ask(work=work, card=turn.card.guid, stages=STAGES)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        key = key_on(turn.card, Slot.AUTHENTICATION)
        if key is None:
            raise StatementRefused("no authentication key")
        made = turn.statement(results[-1], key, Purpose.PASSCODE_CHANGE)
        turn.card.new_passcode_refused = False
        turn.card.modified_at = turn.now
        give_up_others(turn, *SETS_PASSCODE)
        turn.record("card.passcode-changed", Outcome.DONE, statement=made.token)
        return Done()

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        if turn.step.name == CONFIRM:
            if code == Code.WRONG_PASSCODE and sure:
                # The change never happened. From now on the old passcode is the only one asked for.
                turn.card.new_passcode_refused = True
                turn.record("card.passcode-unchanged", Outcome.FAILED)
                return Pause(CHANGE, code, {**facts, "use": OLD})
            return Pause(CONFIRM, code, dict(facts))
        if _may_have_changed(code, facts):
            turn.record("card.passcode-change", Outcome.FAILED, reason=LOST, code=code)
            return Pause(CONFIRM, LOST, {"use": NEW_THEN_OLD, "code": code})
        turn.card.new_passcode_refused = turn.operation.facts.get(REFUSED_BEFORE, False)
        return Pause(CHANGE, code, told_which(turn, code, facts, sure))

    def resumes_at(self, operation: CardOperation) -> str:
        """Of a change without a good answer nobody knows: ask for the new passcode first.

        Where that was refused meanwhile, at signing in, the change never happened.
        """
        if operation.card is not None and operation.card.new_passcode_refused:
            return CHANGE
        if operation.step == CHANGE and may_have_happened(operation):
            return CONFIRM
        return operation.step

    def known_of(self, operation: CardOperation) -> dict[str, Any]:
        """Also when the card was last asked for the change: the doubt counts from then on."""
        return {**operation.facts, ASKED_AT: asked_at(operation).isoformat()}


def _be_in_doubt_again(turn: Turn) -> None:
    """From here on the new passcode may be set. What was known before is kept for a certain no."""
    turn.operation.facts[REFUSED_BEFORE] = turn.card.new_passcode_refused
    turn.card.new_passcode_refused = False


def _may_have_changed(code: str, facts: Mapping[str, Any]) -> bool:
    if facts.get("outcome") == CardOutcome.NONE:
        return False
    return code not in CERTAIN


def _demand_in_use(card: Card) -> None:
    """What was decided about a card since the change was begun counts when it is gone on with.

    What may have happened is asked all the same: the answer changes nothing any more.
    """
    if card.status in OUT_OF_USE:
        raise CardServiceRefused(OUT_OF_USE[card.status], service=CardService.CHANGE_PASSCODE)


CHANGE_PASSCODE = base.register(ChangePasscode())


def start(
    principal: Principal,
    *,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the holder's own card, in this seat, for a change of its passcode.

    Raises:
        Conflict: the card in the reader is not the one that is signed in.
        ChangeUnsettled: an earlier change may have happened; the old passcode is not to be tried.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    card = db.session.get_one(Card, principal.card_id)
    demand_own(principal, guid)
    lost, here = in_doubt(card), (browser, principal.session_id)
    if lost is not None and (lost.browser, lost.session_id) == here:
        raise ChangeUnsettled(operation=lost.public_id)
    return journal.begin(
        CHANGE_PASSCODE,
        sid=sid,
        seat=seat,
        browser=browser,
        card=card,
        person_id=principal.person_id,
        actor=principal,
        office=office,
        now=now,
    )


def start_assisted(
    agent: Principal,
    card: Card,
    *,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
    tries_left: int | None = None,
) -> NextTicket:
    """Change the passcode of a holder's card with an agent's help. Commits.

    The card is in ``seat``, the second reader; the holder types the current passcode and the new
    one there. A change whose answer was lost is settled first: ``passcode_hint`` says what to ask.
    ``tries_left`` is what the chip said of its passcode.

    Raises:
        NotFound, NotAllowed, CardServiceRefused: as ``permitted.demand``.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
        CardInHand: somebody else is at work on the card.
        PasscodeInDoubt: the card seems to have refused the new one already; an unlock helps.
    """
    permitted.demand(agent, card, CardService.CHANGE_PASSCODE, now=now, tries_left=tries_left)
    at: dict[str, Any] = {
        "sid": sid, "seat": seat, "browser": browser, "actor": agent, "office": office, "now": now,
    }  # fmt: skip
    if passcode_hint(card, tries_left=tries_left) == THEN_OLD:
        raise PasscodeInDoubt(helped=True)
    begun = journal.unfinished(card, KIND)
    if begun is not None:
        return journal.take_over(begun, **at)
    return journal.begin(CHANGE_PASSCODE, card=card, person_id=card.person_id, **at)
