"""New keys and certificates, one after the other: what issuing, renewing and repairing share.

A key is made on the card and proven by itself and by the key before it; then it is believed and
its certificate issued, held. The certificate is written, read back, and the key signs once more.
What is believed is never made again: an operation that was cut off writes it again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.card_operations import wire
from app.card_operations.base import Result, Turn
from app.card_operations.certificates import believe, held_certificate, key_being_made
from app.card_operations.statements import KnownKey, Statement, StatementRefused
from app.card_operations.tickets import Work
from app.models import Certificate
from reader_bridge.contract import Algorithm, Command, Purpose, Slot, Stage

MAKE, PROVE = "make", "prove"
MAKING = {
    Slot.AUTHENTICATION: Stage.MAKING_AUTHENTICATION_KEY,
    Slot.SIGNATURE: Stage.MAKING_SIGNATURE_KEY,
    Slot.CARD_AUTHENTICATION: Stage.GENERATING_KEY,
}


@dataclass(frozen=True)
class NewKeys:
    """The keys that one operation makes, in this order, and the purpose of their statements.

    The facts of the operation say what is done: ``algorithms`` of the slots; ``asked_to_make``,
    the slots in which the card may have made a key; ``written``, those whose certificates are on
    the card.
    """

    order: tuple[Slot, ...]
    purpose: Purpose

    def plan(self, turn: Turn) -> list[tuple[str, Slot]]:
        """What the next ticket does: prove what is believed and not written, make one new key."""
        plan: list[tuple[str, Slot]] = []
        for slot in self.order:
            if key_being_made(turn.card, slot) is None:
                return [*plan, (MAKE, slot)]
            if slot.value not in turn.operation.facts["written"]:
                plan.append((PROVE, slot))
        return plan

    def makes_one(self, turn: Turn) -> bool:
        """Say whether the next ticket makes a key, so that another has to write it."""
        return any(doing == MAKE for doing, _ in self.plan(turn))

    def stages(self, turn: Turn) -> tuple[Stage, ...]:
        """What a person is told of the next ticket's part."""
        told: list[Stage] = []
        for doing, slot in self.plan(turn):
            told += [MAKING[slot]] if doing == MAKE else [Stage.WRITING, Stage.CHECKING_WRITTEN]
        return tuple(dict.fromkeys(told))

    def work(self, turn: Turn, first_voucher: KnownKey | None) -> list[Work]:
        """The next ticket's part. ``first_voucher`` is the proven key that vouches for the first
        new one; without one, the management key alone does."""
        work: list[Work] = []
        for doing, slot in self.plan(turn):
            if doing == PROVE:
                work += self._work_proof(turn, slot)
            else:
                work += self._work_new_key(turn, slot, self._voucher(turn, slot, first_voucher))
        return work

    def accept(
        self, turn: Turn, results: list[Result], first_voucher: KnownKey | None, *, uuid: str
    ) -> Statement | None:
        """Judge the answers to ``work``. Return the last key's statement once nothing is left.

        Raises:
            StatementRefused: a key is not proven, or a certificate is not on the card.
        """
        coming = iter(results)
        last: Statement | None = None
        for doing, slot in self.plan(turn):
            if doing == PROVE:
                last = self._accept_proof(turn, slot, next(coming), next(coming))
            else:
                voucher = self._voucher(turn, slot, first_voucher)
                self._accept_new_key(turn, slot, voucher, coming, uuid)
        return None if self.plan(turn) else last

    # Making

    def _work_new_key(self, turn: Turn, slot: Slot, voucher: KnownKey | None) -> list[Work]:
        algorithm = self._algorithm(turn, slot)
        asked = turn.operation.facts.get("asked_to_make", [])
        turn.operation.facts["asked_to_make"] = [*asked, slot.value]
        work: list[Work] = [
            {
                "command": Command.GENERATE_KEY.value,
                "slot": slot.value,
                "algorithm": algorithm.value,
            },
            turn.sign(KnownKey(slot, algorithm, b""), self.purpose),
        ]
        if voucher is not None:
            work.append(turn.sign(voucher, self.purpose, endorse=slot.value))
        return work

    def _accept_new_key(
        self, turn: Turn, slot: Slot, voucher: KnownKey | None, coming: Iterator[Result], uuid: str
    ) -> None:
        """A new key is believed after its own signature and the word of the key before it."""
        made = next(coming)
        key = KnownKey.from_der(slot, wire.to_bytes(made.get("public_key")))
        if key.algorithm != self._algorithm(turn, slot):
            raise StatementRefused("algorithm")
        turn.statement(next(coming), key, self.purpose)
        if voucher is not None:
            turn.statement(next(coming), voucher, self.purpose, jkt=key.thumbprint)
        if "attestation" in made:
            check_attestation(made["attestation"], key)
        believe(turn.card, key, uuid=uuid, issuer=turn.office.issuer, now=turn.now)

    def _voucher(self, turn: Turn, slot: Slot, first: KnownKey | None) -> KnownKey | None:
        """The key that vouches for a new one: the one before it."""
        place = self.order.index(slot)
        return key_being_made(turn.card, self.order[place - 1]) if place else first

    def _algorithm(self, turn: Turn, slot: Slot) -> Algorithm:
        return Algorithm(turn.operation.facts["algorithms"][slot.value])

    # Writing

    def _work_proof(self, turn: Turn, slot: Slot) -> list[Work]:
        key = key_being_made(turn.card, slot)
        certificate = held_certificate(turn.card, slot)
        assert key is not None
        assert certificate is not None
        return [write_certificate(certificate), turn.sign(key, self.purpose)]

    def _accept_proof(self, turn: Turn, slot: Slot, written: Result, signed: Result) -> Statement:
        key = key_being_made(turn.card, slot)
        certificate = held_certificate(turn.card, slot)
        if key is None or certificate is None:
            raise StatementRefused("no key")
        if written.get("sha256") != hashlib.sha256(certificate.der).hexdigest():
            raise StatementRefused("written certificate")
        made = turn.statement(signed, key, self.purpose)
        turn.operation.facts["written"] = [*turn.operation.facts["written"], slot.value]
        return made


def write_certificate(certificate: Certificate) -> Work:
    """Write a certificate to its slot, read it back and compare."""
    return {
        "command": Command.WRITE_CERTIFICATE.value,
        "slot": certificate.slot,
        "certificate": wire.to_text(certificate.der),
    }


def check_attestation(attestation: Any, key: KnownKey) -> None:
    """Make sure that what the card attests, where it attests anything, is about this very key.

    An attestation that cannot be read is none: one make of card sends it a byte short. Whose key
    has signed it is not looked at, because a card of any make may come without its maker's
    certificates. So an attestation never takes the place of the new key's own signature and of the
    word of the key before it.

    Raises:
        StatementRefused: it is about another key.
    """
    try:
        certificate = x509.load_der_x509_certificate(wire.to_bytes(attestation))
        attested = certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    except (wire.Malformed, ValueError, TypeError):
        return
    if attested != key.public_key:
        raise StatementRefused("attestation")
