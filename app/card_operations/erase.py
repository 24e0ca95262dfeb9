"""Erasing: a cancelled card, or a blank one whose issue was given up, is made blank again.

Certificates and keys are removed as far as the card can, PUK and management key go back to what
the maker publishes, and the identifier (CHUID) is removed: the next issue meets a card as it left
its factory, and gives it a number of its own. The passcode stays what it was: it opens nothing, and
the next issue replaces it by the PUK.

=======  =========================================================  ==============================
step     card work                                                  cut: way forward
=======  =========================================================  ==============================
open     witness of the management key (9B)                         again
settle   only after a cut unlock: PUK to the pending one; and       again, as unlocking does
         ``open`` anew
erase    answer; certificates, keys, what tells of the holder;      again: own management key, then
         PUK to the factory's; CHUID removed; the factory's         the factory's; PUK: by turns the
         management key; witness                                    factory's and the own one
finish   answer with the factory's key                              own key, then the factory's: a
                                                                    card that takes it is done
=======  =========================================================  ==============================

A card that keeps the key which was imported for it shows a new identifier, and the key is kept
for that. Where the PUK is blocked or not ours, a card whose make can be reset is reset instead.

What proves the card is its management key: an emptied card shows no identifier any more. With the
factory's key alone it may be another one (``erased``): then the secrets stay sealed (``kept``).
What it cannot be rid of is told (``left``), and whether it can be issued again (``reusable``).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.card_operations import (
    base,
    erased,
    imported_keys,
    issue,
    journal,
    management_session,
    objects,
    permitted,
    sealed,
    stopping,
    wire,
)
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, GoOn, Move, Operation, Pause, Result, Turn
from app.card_operations.makes import factory_settings
from app.card_operations.management import ManagementKey, ManagementRefused
from app.card_operations.office import Office
from app.card_operations.refusals import ManagementKeyUnknown
from app.card_operations.tickets import Work
from app.domain.card_lifecycle import CardEvent, next_status
from app.domain.card_services import CardService
from app.domain.principal import Principal
from app.domain.statuses import KeyState, Outcome
from app.models import Card, CardOperation
from reader_bridge.contract import Code, Command, Hold, Stage

KIND = erased.KIND
SETTLE, OPEN, EMPTY, FINISH = "settle", "open", "erase", "finish"
OWN, IMPORTED = -1, -2  # places of management keys among the candidates, beside the factory's
STAGES = (Stage.CHECKING_CARD, Stage.PROVING, Stage.WRITING, Stage.GENERATING_KEY)
MOST_LEFT = 20  # slots and tags that a bridge tells of
PUK_STAYS, KEY_STAYS = "puk", "9b"  # among what is left on the card


class Erase(Operation):
    """Done → facts {left: [slot, tag or "puk"], reusable, kept (where it may be another card)}."""

    kind = KIND
    event = "card.erase"
    first_step = OPEN
    sends_secrets = True
    survives_refusal = True
    exclusive = True

    def ask(self, turn: Turn) -> Ask:
        next_status(turn.card.status, CardEvent.ERASE)
        work, hold = WORK[turn.step.name](turn)
        return Ask(
            work=work,
            card=turn.operation.facts["shown_guid"],
            hold=hold,
            continues=turn.step.name in (EMPTY, FINISH),
            stages=STAGES,
        )

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        next_status(turn.card.status, CardEvent.ERASE)
        return ACCEPT[turn.step.name](turn, results)

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        own, refused = turn.operation.facts, facts.get("command")
        if code == Code.PUK_REFUSED or (code == Code.PASSCODE_REFUSED and sure):
            if not sure:
                return Pause(OPEN, code, dict(facts))
            own["puk_stays"] = True  # blocked, or not ours: all else can still be removed
            return GoOn(OPEN)
        if code != Code.CARD_REFUSED:
            return Pause(OPEN, code, dict(facts))
        if refused == Command.ANSWER_MANAGEMENT and "sw" in facts:
            own["refused"] = [*own["refused"], own["candidate"]]
            return GoOn(OPEN)
        if refused == Command.SET_MANAGEMENT_KEY and not own.get("fixed"):
            own["fixed"] = True
            own["shown_guid"] = own.get("another_guid")  # removed or written just before
            return GoOn(OPEN)
        if refused == Command.WRITE_OBJECTS and not own.get("another_guid"):
            own["another_guid"] = uuid4().hex  # a card that keeps its CHUID gets one of nobody's
            return GoOn(OPEN)
        return Pause(OPEN, code, dict(facts))

    def resumes_at(self, operation: CardOperation) -> str:
        own = operation.facts
        own["refused"] = []
        if not own.get("emptied"):  # else another card may have been there in between
            for learned in ("puk_stays", "cannot_reset"):
                own.pop(learned, None)
        return OPEN


ERASE = base.register(Erase())


def start(
    agent: Principal,
    card: Card,
    *,
    guid: str | None,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
    serial: str | None = None,
) -> NextTicket:
    """Erase a card in ``seat``, the second reader, or go on with an erasing that was cut. Commits.

    ``guid`` is what the card in the reader shows now; an emptied card shows none. ``serial`` is
    what it says of its chip. An issue that stands still on the card is given up first.

    Raises:
        NotFound, NotAllowed, CardServiceRefused: as ``permitted.demand``.
        Conflict: "another-card" or "another-chip", when the card in the reader is another one;
            "already-erased", when this one was, and its answer may not have been heard.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
        CardInHand: somebody else is at work on the card.
    """
    stopping.locked(card.id)  # read under their locks: what runs on the card, and the card
    permitted.demand(agent, card, CardService.ERASE, now=now)
    begun = journal.unfinished(card, KIND)
    erased.demand_it_may_be(card, guid, serial)
    at: dict[str, Any] = {
        "sid": sid, "seat": seat, "browser": browser, "actor": agent, "office": office, "now": now,
    }  # fmt: skip
    shown = guid.lower() if guid else None
    if begun is not None:
        begun.facts.update(shown_guid=shown, same_chip_in=erased.same_chip_in(seat, card, serial))
        return journal.take_over(begun, **at)
    person_id = card.person_id
    unissued = journal.unfinished(card, issue.KIND)
    if unissued is not None:
        issue.give_up(unissued, actor=agent, now=now)
        person_id = unissued.person_id
    facts: dict[str, Any] = {
        **erased.sent_before(card),
        "shown_guid": shown,
        "refused": [],
        "same_chip_in": erased.same_chip_in(seat, card, serial),
    }
    before = erased.unsure(card)
    if before is not None:
        person_id = person_id or before.person_id
    return journal.begin(ERASE, card=card, person_id=person_id, facts=facts, **at)


# The steps: what each asks of the card


def _work_settle(turn: Turn) -> tuple[list[Work], Hold]:
    """After an unlock that was cut off, the card has one of two PUKs: have it take the newer."""
    _, values = sealed.candidates(turn.office.vault, turn.card)
    sealed.keep_doubt(turn.card, sealed.doubt(turn.card).after_sending())
    puk = sealed.pending_puk(turn.office.vault, turn.card)
    return [_change_puk(turn, values, puk)], Hold.NOTHING


def _work_open(turn: Turn) -> tuple[list[Work], Hold]:
    return [management_session.witness_work()], Hold.CARD


def _work_empty(turn: Turn) -> tuple[list[Work], Hold]:
    own = turn.operation.facts
    factory = factory_settings(turn.card.profile)
    answer = management_session.answer_work(turn, _candidate(turn))
    if _wants_reset(turn):
        own["emptying"] = own["key_sent"] = True
        return [answer, {"command": Command.ERASE.value, "reset": True}], Hold.NOTHING
    work: list[Work] = [answer, {"command": Command.ERASE.value}]
    if not own.get("puk_stays") and not own.get("puk_is_back"):
        work.append(_change_puk(turn, _puks(turn, factory.puk), factory.puk))
    own["emptying"] = True
    if not _gives_key_back(turn) and _candidate(turn) == _imported(turn):
        own["another_guid"] = own.get("another_guid") or uuid4().hex
        named = imported_keys.by_guid(own["another_guid"])  # the next issue finds the key by it
        imported_keys.keep(turn.office.vault, named, _candidate(turn), now=turn.now)
    content = b""
    if own.get("another_guid"):
        content = objects.chuid(UUID(own["another_guid"]), turn.now.date())
    work.append(
        {
            "command": Command.WRITE_OBJECTS.value,
            "objects": {objects.CHUID: wire.to_text(content)},
        }
    )
    if not _gives_key_back(turn):
        return work, Hold.NOTHING
    own["key_sent"] = True
    key = _factory_key(turn)
    work.append(
        {
            "command": Command.SET_MANAGEMENT_KEY.value,
            "algorithm": key.algorithm,
            "key": sealed.for_bridge(turn.connection, key.key),
        }
    )
    return [*work, management_session.witness_work()], Hold.CARD


def _work_finish(turn: Turn) -> tuple[list[Work], Hold]:
    return [management_session.answer_work(turn, _candidate(turn))], Hold.NOTHING


WORK = {SETTLE: _work_settle, OPEN: _work_open, EMPTY: _work_empty, FINISH: _work_finish}


# The steps: what each makes of the card's answers


def _accept_settle(turn: Turn, results: list[Result]) -> Move:
    sealed.settle_puk(turn.office.vault, turn.card)
    return GoOn(OPEN)


def _accept_open(turn: Turn, results: list[Result]) -> Move:
    own = turn.operation.facts
    algorithm = management_session.note_witness(turn, results[0])
    if sealed.doubt(turn.card).unknown:
        own["puk_stays"] = True
    if _puk_in_doubt(turn.card) and not own.get("puk_stays"):
        return GoOn(SETTLE)
    candidates = [OWN] if turn.card.management_algorithm == algorithm else []
    never_ours = turn.card.issued_at is None or turn.card.management_key_sealed is None
    if never_ours or own.get("key_sent"):
        imported = _imported(turn)
        if imported is not None and imported.algorithm == algorithm:
            candidates.append(IMPORTED)
        keys = factory_settings(turn.card.profile).keys
        candidates += [at for at, key in enumerate(keys) if key.algorithm == algorithm]
    left = [each for each in candidates if each not in own["refused"]]
    if not left:
        raise ManagementKeyUnknown
    own["candidate"] = left[0]
    own["is_it"] = erased.is_known(turn)
    return GoOn(FINISH if left[0] != OWN and own.get("emptied") else EMPTY)


def _accept_empty(turn: Turn, results: list[Result]) -> Move:
    own = turn.operation.facts
    management_session.check_response(turn, results[0], _candidate(turn))
    left = results[1].get("left")
    if _wants_reset(turn):
        if results[1].get("reset") is True:
            own["is_it"] = own["is_it"] or own["candidate"] == OWN
            own["puk_stays"] = False
            own["left"] = []
            return _finish(turn)
        own["cannot_reset"] = True
        return GoOn(OPEN)
    told = left if isinstance(left, list) else []
    own["left"] = [each[:8] for each in told if isinstance(each, str)][:MOST_LEFT]
    own["emptied"] = True
    own["is_it"] = own["is_it"] or own["candidate"] == OWN
    own["emptied_it"] = own.get("emptied_it") or own["is_it"]
    own["shown_guid"] = own.get("another_guid")
    if not own.get("puk_stays"):
        own["puk_is_back"] = True
    if not _gives_key_back(turn):
        return _finish(turn, key_stays=own["candidate"] == OWN and not _has_known_key(turn))
    management_session.note_witness(turn, results[-1])
    keys = factory_settings(turn.card.profile).keys
    own["candidate"] = keys.index(_factory_key(turn))
    return GoOn(FINISH)


def _accept_finish(turn: Turn, results: list[Result]) -> Move:
    management_session.check_response(turn, results[0], _candidate(turn))
    return _finish(turn)


ACCEPT = {
    SETTLE: _accept_settle,
    OPEN: _accept_open,
    EMPTY: _accept_empty,
    FINISH: _accept_finish,
}


def _finish(turn: Turn, *, key_stays: bool = False) -> Move:
    """What opens the card is forgotten where it was certainly this one, and needs it no longer."""
    own, card = turn.operation.facts, turn.card
    left = [*own.get("left", []), *([PUK_STAYS] if own.get("puk_stays") else [])]
    left += [KEY_STAYS] if key_stays else []
    kept = key_stays or not (own["is_it"] or own.get("emptied_it"))
    card.apply(CardEvent.ERASE, now=turn.now)
    if not kept:
        sealed.forget(card)
    for key in card.keys:
        key.state = KeyState.SUPERSEDED
    reusable = PUK_STAYS not in left and not key_stays
    told: dict[str, Any] = {"left": left, "reusable": reusable}
    if kept:
        told["kept"] = True
    turn.record("card.erased", Outcome.DONE, **told)
    return Done(told)


# Keys and PUKs


def _puk_in_doubt(card: Card) -> bool:
    return card.puk_sealed is not None and card.puk_pending_sealed is not None


def _candidate(turn: Turn) -> ManagementKey:
    place: int = turn.operation.facts["candidate"]
    if place == OWN:
        return sealed.management_key(turn.office.vault, turn.card)
    if place == IMPORTED:
        imported = _imported(turn)
        if imported is None:
            raise ManagementRefused("imported")
        return imported
    return factory_settings(turn.card.profile).keys[place]


def _imported(turn: Turn) -> ManagementKey | None:
    vault, card = turn.office.vault, turn.card
    shown = imported_keys.key_of(vault, card, turn.operation.facts["shown_guid"])
    return shown or imported_keys.key_of(vault, card, card.guid)


def _has_known_key(turn: Turn) -> bool:
    """Whether the card's own key is its maker's, or one that it came with."""
    mine = _candidate(turn)
    return mine in factory_settings(turn.card.profile).keys or mine == _imported(turn)


def _factory_key(turn: Turn) -> ManagementKey:
    """The maker's key of the algorithm that the card has now."""
    algorithm = turn.operation.facts["witness_algorithm"]
    keys = factory_settings(turn.card.profile).keys
    return next(key for key in keys if key.algorithm == algorithm)


def _wants_reset(turn: Turn) -> bool:
    """With a PUK of no more use only a make that can be reset will serve again."""
    own = turn.operation.facts
    return bool(own.get("puk_stays")) and not own.get("cannot_reset")


def _gives_key_back(turn: Turn) -> bool:
    own = turn.operation.facts
    return own["candidate"] == OWN and not own.get("fixed")


def _puks(turn: Turn, factory: str) -> list[str]:
    """The PUKs that the card may have: its own, and the factory's by turns once that was sent."""
    own = turn.operation.facts
    vault, card = turn.office.vault, turn.card
    never_set = card.puk_sealed is None
    sent: int = own.get("puk_sent", 0)
    own["puk_sent"] = sent + 1
    if never_set and card.puk_pending_sealed is None:
        return [factory]
    mine = sealed.pending_puk(vault, card) if never_set else sealed.current_puk(vault, card)
    if sent == 0 and not never_set:
        return [mine]
    return [mine, factory] if sent % 2 == 0 else [factory, mine]


def _change_puk(turn: Turn, candidates: list[str], new: str) -> Work:
    return {
        "command": Command.CHANGE_PUK.value,
        "candidates": sealed.candidates_for_bridge(turn.connection, candidates),
        "new_puk": sealed.for_bridge(turn.connection, new.encode()),
    }
