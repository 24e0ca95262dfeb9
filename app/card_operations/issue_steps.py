"""The steps of issuing a card: what each has the card do, and what it makes of the answers."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.card_operations import management, objects, sealed, wire
from app.card_operations.base import Done, GoOn, Move, Result, Turn
from app.card_operations.certificates import (
    activate,
    believe,
    held_certificate,
    key_being_made,
    replace_older_cards,
)
from app.card_operations.change_passcode import rule_for_bridge
from app.card_operations.makes import factory_settings
from app.card_operations.management import ManagementKey, ManagementRefused
from app.card_operations.refusals import CardNotBlank
from app.card_operations.statements import KnownKey, StatementRefused
from app.card_operations.tickets import Work
from app.domain.card_lifecycle import CardEvent
from app.domain.statuses import Outcome
from app.pki.profiles import CARD_LIFE_DAYS
from reader_bridge.contract import Algorithm, Command, Hold, Purpose, Slot, Stage

OPEN, PREPARE, SECURE, KEYS = "open", "prepare", "secure", "keys"

# 9E first: it identifies the card from then on. Each key vouches for the one after it.
ORDER = (Slot.CARD_AUTHENTICATION, Slot.SIGNATURE, Slot.AUTHENTICATION)

PASSCODE_TRIES, PUK_TRIES = 3, 10
OWN = -1  # the place of the card's own new management key among the candidates

STAGES = (
    Stage.CHECKING_CARD,
    Stage.PROVING,
    Stage.CHANGING_PASSCODE,
    Stage.GENERATING_KEY,
    Stage.WRITING,
)


# The steps: what each asks of the card


def _work_open(turn: Turn) -> tuple[list[Work], Hold]:
    turn.operation.facts["written"] = []
    return [{"command": Command.OPEN_MANAGEMENT.value}], Hold.CARD


def _work_prepare(turn: Turn) -> tuple[list[Work], Hold]:
    """I1 and I2: retry counts, identifier, the new management key, and a witness to prove it."""
    own, card = turn.operation.facts, turn.card
    factory = factory_settings(card.profile)
    work = [_answer(turn, factory.keys[own["candidate"]])]
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
    work.append({"command": Command.OPEN_MANAGEMENT.value})
    return work, Hold.CARD


def _work_secure(turn: Turn) -> tuple[list[Work], Hold]:
    """I3 and I4: the PUK and the holder's passcode; then the keys."""
    card, connection = turn.card, turn.connection
    factory = factory_settings(card.profile)
    puk = sealed.pending_puk(turn.office.vault, card)
    candidates = [puk, factory.puk] if turn.operation.facts.get("puk_sent") else [factory.puk]
    turn.operation.facts["puk_sent"] = True
    sealed_puk = sealed.for_bridge(connection, puk.encode())
    work: list[Work] = [
        _answer(turn, sealed.management_key(turn.office.vault, card)),
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
    work: list[Work] = []
    for doing, slot in _plan(turn):
        if doing == "prove":
            key = key_being_made(turn.card, slot)
            certificate = held_certificate(turn.card, slot)
            assert key is not None
            assert certificate is not None
            work.append(
                {
                    "command": Command.WRITE_CERTIFICATE.value,
                    "slot": slot.value,
                    "certificate": wire.to_text(certificate.der),
                }
            )
            work.append(turn.sign(key, Purpose.ISSUE))
            continue
        algorithm = turn.operation.facts["algorithm"]
        work.append(
            {"command": Command.GENERATE_KEY.value, "slot": slot.value, "algorithm": algorithm}
        )
        work.append(turn.sign(KnownKey(slot, Algorithm(algorithm), b""), Purpose.ISSUE))
        voucher = _voucher(turn, slot)
        if voucher is not None:
            work.append(turn.sign(voucher, Purpose.ISSUE, endorse=slot.value))
    return work, Hold.CARD if any(doing == "make" for doing, _ in _plan(turn)) else Hold.NOTHING


WORK = {OPEN: _work_open, PREPARE: _work_prepare, SECURE: _work_secure, KEYS: _work_keys}


# The steps: what each makes of the card's answers


def _accept_open(turn: Turn, results: list[Result]) -> Move:
    _note_witness(turn, results[0])
    own = turn.operation.facts
    factory = factory_settings(turn.card.profile)
    algorithm = own["witness_algorithm"]
    if turn.card.management_key_sealed is None:
        sealed.keep_management_key(turn.office.vault, turn.card, ManagementKey.random(algorithm))
    candidates: list[int] = []
    sent = own.get("key_sent") and own.get("fixed") is None
    if sent and sealed.management_key(turn.office.vault, turn.card).algorithm == algorithm:
        candidates.append(OWN)
    candidates += [at for at, key in enumerate(factory.keys) if key.algorithm == algorithm]
    left = [each for each in candidates if each not in own["refused"]]
    if not left:
        own["refused"] = []
        raise CardNotBlank
    own["candidate"] = left[0]
    return GoOn(SECURE if left[0] == OWN else PREPARE)


def _accept_prepare(turn: Turn, results: list[Result]) -> Move:
    own = turn.operation.facts
    key = factory_settings(turn.card.profile).keys[own["candidate"]]
    _check_response(turn, results[0], key)
    if own.get("fixed") is not None:
        sealed.keep_management_key(turn.office.vault, turn.card, key)
    _note_witness(turn, results[-1])
    if own["witness_algorithm"] != sealed.management_key(turn.office.vault, turn.card).algorithm:
        raise ManagementRefused("algorithm")
    own["keep_counts"] = True
    own["candidate"] = OWN
    own["shown_guid"] = turn.card.guid
    return GoOn(SECURE)


def _accept_secure(turn: Turn, results: list[Result]) -> Move:
    _check_response(turn, results[0], sealed.management_key(turn.office.vault, turn.card))
    return _accept_keys(turn, results[3:])


def _accept_keys(turn: Turn, results: list[Result]) -> Move:
    coming = iter(results)
    for doing, slot in _plan(turn):
        if doing == "prove":
            _accept_proof(turn, slot, next(coming), next(coming))
        else:
            _accept_new_key(turn, slot, coming)
    return GoOn(KEYS) if _plan(turn) else _finish(turn)


ACCEPT = {
    OPEN: _accept_open,
    PREPARE: _accept_prepare,
    SECURE: _accept_secure,
    KEYS: _accept_keys,
}


def _accept_proof(turn: Turn, slot: Slot, written: Result, signed: Result) -> None:
    key = key_being_made(turn.card, slot)
    certificate = held_certificate(turn.card, slot)
    if key is None or certificate is None:
        raise StatementRefused("no key")
    if written.get("sha256") != hashlib.sha256(certificate.der).hexdigest():
        raise StatementRefused("written certificate")
    made = turn.statement(signed, key, Purpose.ISSUE)
    if slot is Slot.AUTHENTICATION:
        turn.operation.facts["statement"] = made.token
    turn.operation.facts["written"] = [*turn.operation.facts["written"], slot.value]


def _accept_new_key(turn: Turn, slot: Slot, coming: Any) -> None:
    """A new key is believed after its own signature and the word of the key before it."""
    key = KnownKey.from_der(slot, wire.to_bytes(next(coming).get("public_key")))
    if key.algorithm != turn.operation.facts["algorithm"]:
        raise StatementRefused("algorithm")
    turn.statement(next(coming), key, Purpose.ISSUE)
    voucher = _voucher(turn, slot)
    if voucher is not None:
        turn.statement(next(coming), voucher, Purpose.ISSUE, jkt=key.thumbprint)
    assert turn.operation.person is not None
    believe(
        turn.card, key, uuid=turn.operation.person.uuid, issuer=turn.office.issuer, now=turn.now
    )


def _finish(turn: Turn) -> Move:
    """I7: from here on the card is issued, and the holder's older card is not."""
    card, person = turn.card, turn.operation.person
    assert person is not None
    replace_older_cards(person, card, now=turn.now)
    card.person = person
    card.apply(CardEvent.ISSUE, now=turn.now)
    card.issued_at = turn.now
    card.expires_on = activate(card, ORDER)
    sealed.settle_puk(turn.office.vault, card)
    turn.record(
        "card.issued",
        Outcome.DONE,
        guid=card.guid,
        number=card.number,
        statement=turn.operation.facts.get("statement"),
    )
    return Done({"guid": card.guid, "number": card.number})


def _plan(turn: Turn) -> list[tuple[str, Slot]]:
    """What the next ticket does: prove what is believed and not written yet, make one new key."""
    plan: list[tuple[str, Slot]] = []
    for slot in ORDER:
        if held_certificate(turn.card, slot) is None:
            return [*plan, ("make", slot)]
        if slot.value not in turn.operation.facts["written"]:
            plan.append(("prove", slot))
    return plan


def _voucher(turn: Turn, slot: Slot) -> KnownKey | None:
    """The key that vouches for a new one: the one before it. 9E has only the management key."""
    place = ORDER.index(slot)
    return key_being_made(turn.card, ORDER[place - 1]) if place else None


# Management authentication


def _note_witness(turn: Turn, result: Result) -> None:
    algorithm, witness = management.witness(result)
    turn.operation.facts["witness"] = wire.to_text(witness)
    turn.operation.facts["witness_algorithm"] = algorithm


def _answer(turn: Turn, key: ManagementKey) -> Work:
    own = turn.operation.facts
    if own["witness_algorithm"] != key.algorithm:
        raise ManagementRefused("algorithm")
    made = management.answer(key, wire.to_bytes(own["witness"]))
    own["challenge"] = wire.to_text(made.challenge)
    return {
        "command": Command.ANSWER_MANAGEMENT.value,
        "algorithm": key.algorithm,
        "answer": wire.to_text(made.answer),
        "challenge": own["challenge"],
    }


def _check_response(turn: Turn, result: Result, key: ManagementKey) -> None:
    challenge = wire.to_bytes(turn.operation.facts["challenge"])
    management.check(key, challenge, wire.to_bytes(result.get("response")))
