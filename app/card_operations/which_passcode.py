"""Which passcode a holder is to type, where a change of it left a doubt: the old one or the new.

The service sees no passcode. What it knows are the changes that were begun, what was asked for at
each step since, what the workstations have signed for, and how many tries the chip says are left.

==============  ==================================================================================
word            which passcode
==============  ==================================================================================
new-then-old    the answer to a change was lost: the new one first
old             the new one was refused for certain: from then on only ever the old one
old-then-new    the new one was asked for since, that answer was lost too, and the chip does not
                say how many tries are left: by turns, so that no two wrong ones are in a row
then-old        fewer tries are left than there were, and the new one was asked for: the card has
                refused it, whether anybody heard of that or not; now the old one
then-new        the same of the old one, where that was asked for since
new             the passcode was changed, and nothing has set it since
other           one of the two was in doubt, or is, and nobody can say here which was typed: not
                the one that the card has just refused
==============  ==================================================================================
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, tuple_

from app.card_operations.base import Turn
from app.card_operations.refusals import PasscodeInDoubt
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation, CardOperationStep
from reader_bridge.contract import Code

CHANGE_PASSCODE, UNLOCK, SIGN_IN = "change-passcode", "unlock", "sign-in"
SETS_PASSCODE = (CHANGE_PASSCODE, UNLOCK)
CHANGE, CONFIRM = "change", "confirm"  # the steps of a change; an unlock's that sets one is UNLOCK
NEW_THEN_OLD, OLD_THEN_NEW = "new-then-old", "old-then-new"
THEN_OLD, THEN_NEW = "then-old", "then-new"
OLD, NEW, OTHER = "old", "new", "other"
_ASKS_NEW, _ASKS_OLD = (NEW_THEN_OLD, THEN_NEW), (OLD_THEN_NEW, OLD, THEN_OLD)
HINTS = frozenset({*_ASKS_NEW, *_ASKS_OLD})
# Steps of a session, where the chip's counter is not known, that ask for the passcode in doubt
IN_SESSION = {CHANGE_PASSCODE: CONFIRM, "registration": "prove"}
MOST_UNHEARD, USUAL_TRIES = 2, 3
REMEMBERED = timedelta(days=1)  # how long a page may still not have heard of a change


def passcode_hint(card: Card, *, tries_left: int | None = None) -> str | None:
    """Which passcode to ask for, as one of ``HINTS``, or None where none is in doubt.

    ``tries_left`` is what the chip has just said, where it says that.
    """
    if card.new_passcode_refused:
        return OLD
    doubt = in_doubt(card)
    if doubt is None:
        return None
    return _refused_since(card, doubt, tries_left) or NEW_THEN_OLD


def in_doubt(card: Card) -> CardOperation | None:
    """The last change of which nobody knows whether it happened, if there is one."""
    return next((each for each in _unfinished(card, (CHANGE_PASSCODE,)) if is_in_doubt(each)), None)


def is_in_doubt(change: CardOperation) -> bool:
    return change.step == CONFIRM or may_have_happened(change)


def may_have_happened(change: CardOperation) -> bool:
    """Whether the last thing asked was the change, and its answer never came or proved nothing."""
    last = change.steps[-1] if change.steps else None
    if last is None or last.name != CHANGE:
        return False
    return last.outcome is None or (last.answer or {}).get("type") == "refused"


def demand_known(turn: Turn) -> None:
    """Refuse to ask for a passcode in doubt once more, where answers to that were lost already.

    Whether the card has refused it, it alone knows: signing in asks it, what is done in a session
    does not. The last try is never spent so.

    Raises:
        PasscodeInDoubt: the card has to be asked first.
    """
    doubt = in_doubt(turn.card)
    if doubt is None or turn.card.new_passcode_refused:
        return
    since = _asked_at(doubt)
    unheard = db.session.scalar(
        select(func.count())
        .select_from(CardOperationStep)
        .join(CardOperation)
        .where(
            CardOperation.card_id == turn.card.id,
            tuple_(CardOperation.kind, CardOperationStep.name).in_(IN_SESSION.items()),
            CardOperationStep.outcome.is_(None),
            CardOperationStep.ticket_at >= since,
            CardOperationStep.jti != turn.step.jti,
        )
    )
    spare = (_tries_before(turn.card, since) or USUAL_TRIES) - 1
    if (unheard or 0) >= max(1, min(spare, MOST_UNHEARD)):
        helped = turn.operation.actor_person_id != turn.operation.person_id
        raise PasscodeInDoubt(helped=helped)


def told_which(turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> dict[str, Any]:
    """What a card said, and as ``use`` which passcode its holder is to type after a wrong one.

    ``since``, if it is there, is when the change was asked for that made the one new, the other
    old. A new passcode that is refused for certain was never set: from then on only the old one is
    asked for.
    """
    told = dict(facts)
    if code != Code.WRONG_PASSCODE:
        return told
    use = _in_doubt_after_a_wrong_one(turn, sure)
    return told | ({"use": use} if use else _after_a_settled_change(turn))


def settle(turn: Turn) -> None:
    """A passcode has opened the card: no change of it is in doubt, and none is to be gone on with.

    Whether that was the old one or the new is kept as far as it is known: who typed it may never
    hear that it was right.
    """
    card = turn.card
    for begun in _unfinished(card, SETS_PASSCODE):
        if begun.kind == CHANGE_PASSCODE and (card.new_passcode_refused or is_in_doubt(begun)):
            certain = card.new_passcode_refused and not begun.facts.get("old_refused")
            begun.facts["settled"] = OLD if certain else OTHER
        begun.give_up(turn.now)
    card.new_passcode_refused = False


def give_up_others(turn: Turn, *kinds: str) -> None:
    """A new passcode has been set: nothing else that sets one is to be gone on with."""
    for begun in _unfinished(turn.card, kinds):
        if begun is not turn.operation:
            begun.give_up(turn.now)


def _unfinished(card: Card, kinds: tuple[str, ...]) -> list[CardOperation]:
    """What was begun of these kinds, and has not ended: the newest first."""
    begun = (
        select(CardOperation)
        .where(
            CardOperation.card_id == card.id,
            CardOperation.kind.in_(kinds),
            CardOperation.finished_at.is_(None),
        )
        .order_by(CardOperation.id.desc())
    )
    return list(db.session.scalars(begun))


def _refused_since(card: Card, doubt: CardOperation, tries_left: int | None) -> str | None:
    """What follows from the chip's counter, which only a right passcode sets back.

    Each sign-in keeps how many tries its page had read, and which passcode it asked for. Before
    them counts the last sign-in that went well: with fewer tries left since, a passcode was refused
    after it, either at the change, which then never happened, or where the new one was asked for.
    """
    since = _asked_at(doubt)
    asked: str | None = NEW_THEN_OLD
    before, found = _tries_before(card, since), None
    begun = _sign_ins(card, since)
    if tries_left is None and begun:
        last = begun[-1]
        unheard = last.steps[-1].outcome is None
        return OLD_THEN_NEW if unheard and last.facts.get("use") in _ASKS_NEW else None
    for use, left in [*map(_asked_and_read, begun), (None, tries_left)]:
        if before is not None and left is not None and left < before:
            found = THEN_OLD if asked in _ASKS_NEW else THEN_NEW if asked in _ASKS_OLD else found
        asked, before = use, left
    return found


def _tries_before(card: Card, since: datetime) -> int | None:
    done = (
        select(CardOperation)
        .where(
            CardOperation.card_id == card.id,
            CardOperation.kind == SIGN_IN,
            CardOperation.state == OperationState.DONE,
            CardOperation.finished_at <= since,
        )
        .order_by(CardOperation.id.desc())
        .limit(1)
    )
    last = db.session.scalar(done)
    return last.facts.get("left") if last is not None else None


def _asked_and_read(sign_in: CardOperation) -> tuple[str | None, int | None]:
    """Which passcode its page asked for, and how many tries the chip had left before."""
    return sign_in.facts.get("use"), sign_in.facts.get("left")


def _sign_ins(card: Card, since: datetime) -> list[CardOperation]:
    begun = (
        select(CardOperation)
        .where(
            CardOperation.card_id == card.id,
            CardOperation.kind == SIGN_IN,
            CardOperation.started_at >= since,
        )
        .order_by(CardOperation.id)
    )
    return list(db.session.scalars(begun))


def _in_doubt_after_a_wrong_one(turn: Turn, sure: bool) -> str | None:
    card = turn.card
    if card.new_passcode_refused:
        if sure:  # neither is right: one was not what was asked for, or was mistyped
            for change in _unfinished(card, (CHANGE_PASSCODE,)):
                change.facts["old_refused"] = True
        return OLD
    if in_doubt(card) is None:
        return None
    if sure and turn.operation.facts.get("use") == NEW_THEN_OLD:
        card.new_passcode_refused = True
        return OLD
    return OTHER


def _after_a_settled_change(turn: Turn) -> dict[str, Any]:
    """What helps whoever has not heard how their last change ended: ``use`` and ``since``.

    Sessions that were begun since say nothing: their browser may not have heard of them either.
    """
    lately = db.session.scalars(
        select(CardOperation)
        .where(
            CardOperation.card_id == turn.card.id,
            CardOperation.kind == CHANGE_PASSCODE,
            CardOperation.finished_at > turn.now - REMEMBERED,
        )
        .order_by(CardOperation.finished_at.desc(), CardOperation.id.desc())
    )
    last = next((each for each in lately if _settled(each)), None)
    if last is None or _unlocked_since(turn.card, last.finished_at):
        return {}
    return {"use": _settled(last), "since": _asked_at(last).isoformat()}


def _settled(change: CardOperation) -> str | None:
    """What is known of the passcode since a change is over, if it ended with one that holds."""
    if change.state is not OperationState.DONE:
        return change.facts.get("settled")
    # Where it was settled later, only its holder's word says that they typed the new one
    return NEW if change.steps[-1].name == CHANGE else OTHER


def _asked_at(change: CardOperation) -> datetime:
    """When the card was last asked for the change itself: its holder chose a passcode then."""
    asked = [step.ticket_at for step in change.steps if step.name == CHANGE]
    return max(asked, default=change.started_at)


def _unlocked_since(card: Card, moment: datetime | None) -> bool:
    """Whether an unlock may have set the passcode since then."""
    asked = (
        select(CardOperationStep.id)
        .join(CardOperation)
        .where(
            CardOperation.card_id == card.id,
            CardOperation.kind == UNLOCK,
            CardOperationStep.name == UNLOCK,
            CardOperationStep.ticket_at >= moment,
        )
        .limit(1)
    )
    return db.session.scalar(asked) is not None
