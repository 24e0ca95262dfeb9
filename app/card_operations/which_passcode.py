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
then-new        the same of the old one, where that was asked for, or none in particular
new             the passcode was changed, and nothing has set it since
other           one of the two was in doubt, or is, and nobody can say here which was typed: not
                the one that the card has just refused
==============  ==================================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import func, or_, select, tuple_

from app.card_operations import receipts
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
_ASKS_NEW, _ASKS_OLD = (NEW_THEN_OLD, THEN_NEW, NEW), (OLD_THEN_NEW, THEN_OLD, OLD)
HINTS = frozenset({*_ASKS_NEW, *_ASKS_OLD})
# Steps of a session, where the chip's counter is not known, that ask for the passcode in doubt
IN_SESSION = {CHANGE_PASSCODE: CONFIRM, "registration": "prove"}
ASKED_AT = "asked_at"
MOST_UNHEARD, USUAL_TRIES = 2, 3
REMEMBERED = timedelta(days=1)  # how long a page may still not have heard of a change

# The card was not asked to change anything, or said no: these leave no doubt.
CERTAIN = frozenset(
    {
        Code.WRONG_PASSCODE,
        Code.PASSCODE_LOCKED,
        Code.PASSCODE_REFUSED,
        Code.PASSCODE_NEEDED,
        Code.CARD_BUSY,
        Code.CARD_CHANGED,
        Code.NO_CARD,
        Code.NO_READER,
        Code.NO_SERVICE,
        Code.NOT_A_PIV_CARD,
        Code.OUT_OF_TURN,
        Code.UNSUPPORTED,
        Code.TICKET_INVALID,
        Code.TICKET_FOREIGN,
        Code.TICKET_EXPIRED,
        Code.TICKET_USED,
        Code.TICKET_OTHER_CARD,
    }
)


@dataclass(frozen=True)
class Hint:
    """``use`` says which passcode to ask for, as one of ``HINTS``, or None: none in particular.

    ``since`` is when the change was asked for, where the words name that.
    """

    use: str | None = None
    since: str | None = None


def hint_at_sign_in(card: Card, *, tries_left: int | None, now: datetime) -> Hint:
    """Which passcode the sign-in page asks for. ``tries_left`` is what the chip has just said.

    Of a change that is settled it speaks as soon as somebody has tried in vain to sign in since.
    """
    lately = _changes(card, now)
    doubt, settled = _first_in_doubt(lately), _last_settled(lately)
    use = _settled(settled) if settled is not None else None
    if doubt is not None or card.new_passcode_refused:
        asked = _hint_in_doubt(card, doubt, tries_left, before=use)
        if asked in (OLD, THEN_OLD) and settled is not None and _is_known(card, settled):
            return Hint(NEW, asked_at(settled).isoformat())
        return Hint(asked)
    if settled is None or settled.finished_at is None:
        return Hint()
    vain = _in_vain(card, settled.finished_at)
    if not vain or _unlocked_since(card, settled.finished_at):
        return Hint()
    if use != OTHER:
        return Hint(use, asked_at(settled).isoformat())
    if tries_left is not None:
        return Hint(_refused_since(None, None, vain, tries_left))
    return Hint(OLD_THEN_NEW if vain[-1].facts.get("use") in _ASKS_NEW else NEW_THEN_OLD)


def passcode_hint(card: Card, *, tries_left: int | None = None) -> str | None:
    """Which passcode to ask for while a change is in doubt, as one of ``HINTS``, else None."""
    return _hint_in_doubt(card, in_doubt(card), tries_left)


def in_doubt(card: Card) -> CardOperation | None:
    """The last change of which nobody knows whether it happened, if there is one."""
    return _first_in_doubt(_unfinished(card, (CHANGE_PASSCODE,)))


def _first_in_doubt(changes: list[CardOperation]) -> CardOperation | None:
    return next((each for each in changes if not each.state.is_over and is_in_doubt(each)), None)


def _hint_in_doubt(
    card: Card,
    doubt: CardOperation | None,
    tries_left: int | None,
    *,
    before: str | None = None,
) -> str | None:
    """``before`` is what is known of the change before this one, if that was not long ago."""
    if card.new_passcode_refused:
        return OLD
    if doubt is None:
        return None
    since = asked_at(doubt)
    vain = _in_vain(card, since)
    if tries_left is None and vain:
        unheard = vain[-1].steps[-1].outcome is None
        return OLD_THEN_NEW if unheard and vain[-1].facts.get("use") in _ASKS_NEW else NEW_THEN_OLD
    # With fewer tries left than at the last sign-in that went well, a passcode was refused since:
    # either at the change, which then never happened, or where the new one was asked for
    asked = OLD if before == OTHER and doubt.steps[-1].name == CHANGE else NEW
    return _refused_since(asked, _tries_before(card, since), vain, tries_left) or NEW_THEN_OLD


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
    since = asked_at(doubt)
    unheard = db.session.scalar(
        select(func.count())
        .select_from(CardOperationStep)
        .join(CardOperation)
        .where(
            CardOperation.card_id == turn.card.id,
            tuple_(CardOperation.kind, CardOperationStep.name).in_(IN_SESSION.items()),
            or_(
                CardOperationStep.outcome.is_(None),
                CardOperationStep.outcome.not_in((*CERTAIN - {Code.WRONG_PASSCODE}, receipts.DONE)),
            ),
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
    settled = _last_settled(_changes(turn.card, turn.now))
    known = settled is not None and _is_known(turn.card, settled)
    use = _in_doubt_after_a_wrong_one(turn, sure, known=known)
    if use is not None and not (use == OLD and known):
        return told | {"use": use}
    return told | _after_a_settled_change(turn.card, settled)


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


def _refused_since(
    asked: str | None, before: int | None, begun: list[CardOperation], tries_left: int | None
) -> str | None:
    """What follows from the chip's counter, which only a right passcode sets back.

    Each sign-in that was ``begun`` keeps how many tries its page had read, and which passcode it
    asked for: with fewer left at the next one, that one was refused. Whoever was asked for none in
    particular has typed the old one. ``asked`` and ``before`` are what counts before them.
    """
    found = None
    for use, left in [*map(_asked_and_read, begun), (None, tries_left)]:
        if before is not None and left is not None and left < before:
            found = THEN_OLD if asked in _ASKS_NEW else THEN_NEW
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


def _in_vain(card: Card, since: datetime) -> list[CardOperation]:
    """The sign-ins since then in which no passcode is known to have been right, up to the last."""
    begun = (
        select(CardOperation)
        .where(
            CardOperation.card_id == card.id,
            CardOperation.kind == SIGN_IN,
            CardOperation.started_at >= since,
        )
        .order_by(CardOperation.id.desc())
    )
    vain = takewhile(lambda each: not _was_right(each), db.session.scalars(begun))
    return list(vain)[::-1]


def _was_right(sign_in: CardOperation) -> bool:
    return any(step.outcome == receipts.DONE for step in sign_in.steps)


def _in_doubt_after_a_wrong_one(turn: Turn, sure: bool, *, known: bool) -> str | None:
    """``known`` says that the one which was new before is known, and asked for by its time."""
    card, kept = turn.card, sure and turn.is_vouched_for
    if card.new_passcode_refused:
        if kept and not known:  # neither is right: one was not what was asked for, or was mistyped
            for change in _unfinished(card, (CHANGE_PASSCODE,)):
                change.facts["old_refused"] = True
        return OLD
    if in_doubt(card) is None:
        return None
    if sure and turn.operation.facts.get("use") == NEW_THEN_OLD:
        card.new_passcode_refused = kept
        return OLD
    return OTHER


def _after_a_settled_change(card: Card, settled: CardOperation | None) -> dict[str, Any]:
    """What helps whoever has not heard how their last change ended: ``use`` and ``since``.

    Sessions that were begun since say nothing: their browser may not have heard of them either.
    """
    if settled is None or _unlocked_since(card, settled.finished_at):
        return {}
    return {"use": _settled(settled), "since": asked_at(settled).isoformat()}


def _last_settled(changes: list[CardOperation]) -> CardOperation | None:
    """The change that says most of the passcode. One that never happened leaves what was new before
    it: to whoever did not hear of that, "the old one" would be another.
    """
    settled = [each for each in changes if _settled(each)]
    happened = next((each for each in settled if _settled(each) != OLD), None)
    if happened is not None and (settled[0] is happened or _settled(happened) == NEW):
        return happened
    return settled[0] if settled else None


def _is_known(card: Card, settled: CardOperation) -> bool:
    return _settled(settled) == NEW and not _unlocked_since(card, settled.finished_at)


def _changes(card: Card, now: datetime) -> list[CardOperation]:
    """The changes that have not ended, or not long ago: the last ones first."""
    lately = (
        select(CardOperation)
        .where(
            CardOperation.card_id == card.id,
            CardOperation.kind == CHANGE_PASSCODE,
            or_(
                CardOperation.finished_at.is_(None),
                CardOperation.finished_at > now - REMEMBERED,
            ),
        )
        .order_by(CardOperation.finished_at.desc(), CardOperation.id.desc())
    )
    return list(db.session.scalars(lately))


def _settled(change: CardOperation) -> str | None:
    """What is known of the passcode since a change is over, if it ended with one that holds."""
    if change.state is not OperationState.DONE:
        return change.facts.get("settled")
    # Where it was settled later, only its holder's word says that they typed the new one
    return NEW if change.steps[-1].name == CHANGE else OTHER


def asked_at(change: CardOperation) -> datetime:
    """When the card was last asked for the change itself: its holder chose a passcode then."""
    asked = [step.ticket_at for step in change.steps if step.name == CHANGE]
    before = change.facts.get(ASKED_AT)  # under the name that it had before
    return max(asked, default=datetime.fromisoformat(before) if before else change.started_at)


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
