"""The steps of issuing a card: what each has the card do, and what it makes of the answers."""

from datetime import timedelta
from uuid import UUID

from app.card_operations import (
    imported_keys,
    management_session,
    objects,
    sealed,
    which_puk,
    wire,
)
from app.card_operations.base import Done, GoOn, Move, Result, Turn
from app.card_operations.certificates import activate
from app.card_operations.change_passcode import rule_for_bridge
from app.card_operations.makes import factory_settings
from app.card_operations.management import ManagementKey, ManagementRefused
from app.card_operations.new_keys import NewKeys
from app.card_operations.refusals import CardNotBlank
from app.card_operations.replacing import replace_older_cards
from app.card_operations.statements import Statement
from app.card_operations.tickets import Work
from app.domain.card_lifecycle import CardEvent
from app.domain.card_services import CardServiceRefused, WhyNot
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.pki.profiles import CARD_LIFE_DAYS
from reader_bridge.contract import Command, Hold, Purpose, Slot, Stage

OPEN, PREPARE, SECURE, KEYS = "open", "prepare", "secure", "keys"

# 9E first: it identifies the card from then on. Each key vouches for the one after it.
ORDER = (Slot.CARD_AUTHENTICATION, Slot.SIGNATURE, Slot.AUTHENTICATION)
KEYS_MADE = NewKeys(ORDER, Purpose.ISSUE)

PASSCODE_TRIES, PUK_TRIES = 3, 10
# Places of management keys among the candidates, beside those of the factory's
OWN = -1  # the card's new one
IMPORTED = -2  # the one that the card came with


def stages(turn: Turn) -> tuple[Stage, ...]:
    """What a person is told of a step."""
    if turn.step.name == OPEN:
        return (Stage.CHECKING_CARD, Stage.PROVING)
    if turn.step.name == PREPARE:
        return (Stage.WRITING,)
    first = (Stage.CHANGING_PASSCODE,) if turn.step.name == SECURE else ()
    return first + KEYS_MADE.stages(turn)


# The steps: what each asks of the card


def _work_open(turn: Turn) -> tuple[list[Work], Hold]:
    turn.operation.facts["written"] = []
    return [management_session.witness_work()], Hold.CARD


def _work_prepare(turn: Turn) -> tuple[list[Work], Hold]:
    """I1 and I2: retry counts, identifier, the new management key, and a witness to prove it."""
    own, card = turn.operation.facts, turn.card
    factory = factory_settings(card.profile)
    key_before = _key_before(turn)
    if own["candidate"] == IMPORTED:
        # The card is about to show our identifier: whoever erases it finds the key by that
        named = imported_keys.by_guid(card.guid)
        imported_keys.keep(turn.office.vault, named, key_before, now=turn.now)
    work = [management_session.answer_work(turn, key_before)]
    if not own.get("keep_counts"):
        work.append(
            {
                "command": Command.SET_RETRY_COUNTS.value,
                "passcode_tries": PASSCODE_TRIES,
                "puk_tries": PUK_TRIES,
                "default_passcode": factory.passcode,
            }
        )
    expires = (turn.now + timedelta(days=CARD_LIFE_DAYS)).date()
    written = {
        objects.CHUID: wire.to_text(objects.chuid(UUID(card.guid), expires)),
        objects.CCC: wire.to_text(objects.capabilities()),
    }
    work.append({"command": Command.WRITE_OBJECTS.value, "objects": written})
    if own.get("fixed") is None:
        key = sealed.management_key(turn.office.vault, card)
        own["key_sent"] = True
        own["refused"] = [each for each in own["refused"] if each != OWN]
        work.append(
            {
                "command": Command.SET_MANAGEMENT_KEY.value,
                "algorithm": key.algorithm,
                "key": sealed.for_bridge(turn.connection, key.key),
            }
        )
    work.append(management_session.witness_work())
    return work, Hold.CARD


def _work_secure(turn: Turn) -> tuple[list[Work], Hold]:
    """I3 and I4: the PUK and the holder's passcode; then the keys.

    Raises:
        CardNotBlank: the card's PUK is neither its maker's nor ours.
    """
    card, connection = turn.card, turn.connection
    if sealed.doubt(card).unknown:
        raise CardNotBlank
    candidates = which_puk.to_try(turn)
    sealed_puk = sealed.for_bridge(connection, sealed.pending_puk(turn.office.vault, card).encode())
    work: list[Work] = [
        management_session.answer_work(turn, sealed.management_key(turn.office.vault, card)),
        {
            "command": Command.CHANGE_PUK.value,
            "candidates": sealed.candidates_for_bridge(connection, candidates),
            "new_puk": sealed_puk,
        },
        {
            "command": Command.SET_PASSCODE.value,
            "rule": rule_for_bridge(card, turn.operation.person),
            "puk": sealed_puk,
        },
    ]
    keys, hold = _work_keys(turn)
    return work + keys, hold


def _work_keys(turn: Turn) -> tuple[list[Work], Hold]:
    """I5 to I7: write and prove what is believed, then make the next key."""
    hold = Hold.CARD if KEYS_MADE.makes_one(turn) else Hold.NOTHING
    return KEYS_MADE.work(turn, None), hold


WORK = {OPEN: _work_open, PREPARE: _work_prepare, SECURE: _work_secure, KEYS: _work_keys}


# The steps: what each makes of the card's answers


def _accept_open(turn: Turn, results: list[Result]) -> Move:
    algorithm = management_session.note_witness(turn, results[0])
    own = turn.operation.facts
    factory = factory_settings(turn.card.profile)
    if turn.card.management_key_sealed is None:
        sealed.keep_management_key(turn.office.vault, turn.card, ManagementKey.random(algorithm))
    candidates: list[int] = []
    sent = own.get("key_sent") and own.get("fixed") is None
    if sent and sealed.management_key(turn.office.vault, turn.card).algorithm == algorithm:
        candidates.append(OWN)
    imported = _imported(turn)
    if imported is not None and imported.algorithm == algorithm:
        candidates.append(IMPORTED)
    candidates += [at for at, key in enumerate(factory.keys) if key.algorithm == algorithm]
    left = [each for each in candidates if each not in own["refused"]]
    if not left:
        own["refused"] = []
        raise CardNotBlank
    own["candidate"] = left[0]
    return GoOn(SECURE if left[0] == OWN else PREPARE)


def _accept_prepare(turn: Turn, results: list[Result]) -> Move:
    own = turn.operation.facts
    key = _key_before(turn)
    management_session.check_response(turn, results[0], key)
    if own.get("fixed") is not None:
        sealed.keep_management_key(turn.office.vault, turn.card, key)
    algorithm = management_session.note_witness(turn, results[-1])
    if algorithm != sealed.management_key(turn.office.vault, turn.card).algorithm:
        raise ManagementRefused("algorithm")
    own["keep_counts"] = True
    own["candidate"] = OWN
    own["shown_guid"] = turn.card.guid
    return GoOn(SECURE)


def _accept_secure(turn: Turn, results: list[Result]) -> Move:
    management_session.check_response(
        turn, results[0], sealed.management_key(turn.office.vault, turn.card)
    )
    which_puk.taken(turn)
    return _accept_keys(turn, results[3:])


def _accept_keys(turn: Turn, results: list[Result]) -> Move:
    assert turn.operation.person is not None
    made = KEYS_MADE.accept(turn, results, None, uuid=turn.operation.person.uuid)
    return GoOn(KEYS) if made is None else _finish(turn, made)


ACCEPT = {
    OPEN: _accept_open,
    PREPARE: _accept_prepare,
    SECURE: _accept_secure,
    KEYS: _accept_keys,
}


def _finish(turn: Turn, last: Statement) -> Move:
    """I7: from here on the card is issued, and the holder's older card is not."""
    card, person = turn.card, turn.operation.person
    assert person is not None
    db.session.refresh(person, with_for_update=True)
    if person.status is PersonStatus.CLOSED:
        raise CardServiceRefused(WhyNot.HOLDER_CLOSED)
    replace_older_cards(turn, person, card)
    card.person = person
    card.apply(CardEvent.ISSUE, now=turn.now)
    card.issued_at = turn.now
    card.expires_on = activate(card, ORDER, now=turn.now)
    sealed.settle_puk(turn.office.vault, card)
    turn.record(
        "card.issued",
        Outcome.DONE,
        guid=card.guid,
        number=card.number,
        statement=last.token,
        approved=turn.operation.facts.get("approved"),
    )
    return Done({"guid": card.guid, "number": card.number})


# The management key that a card has before it is given its own


def _key_before(turn: Turn) -> ManagementKey:
    place: int = turn.operation.facts["candidate"]
    if place == IMPORTED:
        imported = _imported(turn)
        if imported is None:
            raise ManagementRefused("imported")
        return imported
    return factory_settings(turn.card.profile).keys[place]


def _imported(turn: Turn) -> ManagementKey | None:
    own = turn.operation.facts
    # The identifier that it came with: it shows ours as soon as that is written
    came_with = own.setdefault("came_with", own["shown_guid"])
    return imported_keys.key_of(turn.office.vault, turn.card, came_with)
