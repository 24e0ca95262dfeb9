"""The named card operations: each command of the contract, carried out on an open card.

Runs in the reader's thread. Nothing here decides whether a command may be done: the ticket did.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from joserfc.jwk import ECKey, RSAKey

from reader_bridge import encoding, parameters, pins
from reader_bridge.contract import Command, Purpose, Slot, Stage
from reader_bridge.errors import (
    CARD_SAID_NO,
    PasscodeNeeded,
    SealBroken,
    UnknownRequest,
    WorkFailed,
    WrongPasscode,
)
from reader_bridge.open_card import OpenCard
from reader_bridge.parameters import Parameters
from reader_bridge.passcode import PasscodeRule
from reader_bridge.piv.card import PivCard
from reader_bridge.piv.errors import (
    MalformedAnswer,
    NotAuthenticated,
    PinBlocked,
    PinRefused,
    UnexpectedStatus,
    Unsupported,
    WrongPin,
)
from reader_bridge.piv.objects import CHUID, INS_GET_DATA
from reader_bridge.secret import Secret
from reader_bridge.statements import Statements
from reader_bridge.tickets import Work

Result = dict[str, Any]

SAYS_WRONG_PASSCODE = (WrongPin, PinBlocked, PinRefused, WrongPasscode)

# Answers after which a card that was left as it is may have another application selected.
NOT_SELECTED = frozenset({0x6982, 0x6986, 0x6D00, 0x6E00})


@dataclass(repr=False)
class Bench:
    """What the commands of one step work with, besides the card."""

    statements: Statements
    unseal: Callable[[object], bytes]
    progress: Callable[[Stage], None]
    passcode: Secret | None = None
    new_passcode: Secret | None = None

    def wipe(self) -> None:
        """Forget the passcodes."""
        for secret in (self.passcode, self.new_passcode):
            if secret is not None:
                secret.wipe()
        self.passcode = self.new_passcode = None


@dataclass(repr=False)
class At:
    """A command at work: the card that was opened, and the bench."""

    open: OpenCard
    bench: Bench

    @property
    def card(self) -> PivCard:
        return self.open.card

    def progress(self, stage: Stage) -> None:
        self.bench.progress(stage)


def needed_passcodes(work: Sequence[Work]) -> tuple[bool, bool]:
    """Say whether the work of a step needs the current passcode, and whether a new one."""
    current = new = False
    for each in work:
        sets = each.command in SETS_PASSCODE
        signs = (
            each.command is Command.SIGN and each.parameters.get("slot") != Slot.CARD_AUTHENTICATION
        )
        if each.command is Command.CHANGE_PASSCODE or (signs and not new):
            current = True
        new = new or sets
    return current, new


def check_new_passcode(work: Sequence[Work], bench: Bench) -> None:
    """Hold the new passcode against the rules of the ticket, before the card is touched.

    Raises:
        PasscodeRefused: it breaks one.
        MalformedRule: the ticket's rule cannot be read.
    """
    for each in work:
        if each.command in SETS_PASSCODE:
            rule = PasscodeRule.from_ticket(each.parameters.get("rule"))
            current = bench.passcode if each.command is Command.CHANGE_PASSCODE else None
            pins.check(rule, pins.given(bench.new_passcode), current)


def leaves_passcodes_good(error: WorkFailed) -> bool:
    """Whether the passcodes that were typed may serve again after this failure.

    They may where the card said no to something else; never after a wrong one, lest it be sent
    again and cost a try. The factory's passcode, of which a blank card may say that it is wrong,
    was not typed by anybody.
    """
    cause = error.__cause__
    if error.command is Command.SET_RETRY_COUNTS and isinstance(cause, SAYS_WRONG_PASSCODE):
        return True
    return isinstance(cause, CARD_SAID_NO)


def perform(work: Sequence[Work], opened: OpenCard, bench: Bench) -> list[Result]:
    """Do the work of one step, in order. The first failure ends it.

    Raises:
        WorkFailed: names the command that failed; its cause is the reason.
    """
    at = At(opened, bench)
    results = []
    for each in work:
        try:
            results.append(HANDLERS[each.command](at, each.parameters))
        except WorkFailed:
            raise
        except Exception as error:
            raise WorkFailed(each.command) from error
    return results


def sign(at: At, given: Parameters) -> Result:
    slot, algorithm = parameters.slot(given), parameters.algorithm(given)
    nonce = parameters.text(given, "nonce")
    claims: dict[str, Any] = {"purpose": parameters.purpose(given), "nonce": nonce}
    if "sha256" in given:
        claims["sha256"] = parameters.text(given, "sha256")
    if "endorse" in given:
        claims["cnf"] = {"jkt": _endorsed(at, parameters.slot(given, "endorse"))}

    def make() -> str:
        return at.bench.statements.make(
            claims,
            guid=at.open.guid,
            slot=slot,
            algorithm=algorithm,
            sign=lambda message: at.card.sign(slot, algorithm, message),
        )

    if slot is Slot.CARD_AUTHENTICATION:
        at.progress(Stage.PROVING)
        return {"statement": make()}
    if slot is Slot.SIGNATURE or not at.open.passcode_verified:
        _verify(at)  # the signature key wants it before every single signature
    at.progress(Stage.SIGNING)
    try:
        return {"statement": make()}
    except NotAuthenticated:
        # Some cards forget the passcode over an authentication or another slot's signature. One
        # that was verified a moment ago costs no try.
        _verify(at)
        return {"statement": make()}


def prove_presence(at: At, given: Parameters) -> Result:
    """9E signs without SELECT, so that another program's verified passcode survives."""
    algorithm = parameters.algorithm(given)
    claims = {"purpose": Purpose.PRESENCE, "nonce": parameters.text(given, "nonce")}
    slot = Slot.CARD_AUTHENTICATION
    at.progress(Stage.PROVING)

    def make() -> str:
        return at.bench.statements.make(
            claims,
            guid=at.open.guid,
            slot=slot,
            algorithm=algorithm,
            sign=lambda message: at.card.sign(slot, algorithm, message),
        )

    try:
        return {"statement": make()}
    except UnexpectedStatus as error:
        if error.sw not in NOT_SELECTED and error.sw & 0xFFF0 != 0x6A80:
            raise
    meant = at.open.guid
    at.open.select()
    at.open.must_be(meant)
    return {"statement": make()}


def change_passcode(at: At, given: Parameters) -> Result:
    _verify(at)
    at.progress(Stage.CHANGING_PASSCODE)
    old, new = pins.given(at.bench.passcode), pins.given(at.bench.new_passcode)
    at.open.passcode_verified = False
    at.card.change_passcode(old.reveal(), new.reveal())
    _use_new_passcode(at)
    return {}


def unlock(at: At, given: Parameters) -> Result:
    candidates = pins.candidates(at.bench.unseal(given.get("puk_candidates")))
    puk = pins.text(at.bench.unseal(given.get("new_puk")))
    at.progress(Stage.UNLOCKING)
    used = pins.change_puk(at.card, candidates, puk)
    return {"used": used, **_set_passcode(at, puk)}


def set_passcode(at: At, given: Parameters) -> Result:
    puk = pins.text(at.bench.unseal(given.get("puk")))
    at.progress(Stage.CHANGING_PASSCODE)
    return _set_passcode(at, puk)


def change_puk(at: At, given: Parameters) -> Result:
    candidates = pins.candidates(at.bench.unseal(given.get("candidates")))
    puk = pins.text(at.bench.unseal(given.get("new_puk")))
    at.progress(Stage.WRITING)
    return {"used": pins.change_puk(at.card, candidates, puk)}


def open_management(at: At, given: Parameters) -> Result:
    at.progress(Stage.PROVING)
    algorithm, witness = at.card.open_management()
    return {"witness": encoding.to_text(witness), "algorithm": algorithm}


def answer_management(at: At, given: Parameters) -> Result:
    at.progress(Stage.PROVING)
    response = at.card.answer_management(
        parameters.management_algorithm(given).name,
        parameters.octets(given, "answer"),
        parameters.octets(given, "challenge"),
    )
    return {"response": encoding.to_text(response)}


def set_retry_counts(at: At, given: Parameters) -> Result:
    """Only for a card that has nobody's passcode yet: it brings back the factory's."""
    default = Secret(parameters.text(given, "default_passcode"))
    passcode_tries = parameters.tries(given, "passcode_tries")
    puk_tries = parameters.tries(given, "puk_tries")
    if at.card.profile.retry_counts_settable is False:
        return {"done": False}
    pins.verify(at.card, default)
    at.open.passcode_verified = False
    try:
        at.card.set_retry_counts(passcode_tries, puk_tries)
    except Unsupported:
        return {"done": False}
    return {"done": True}


def set_management_key(at: At, given: Parameters) -> Result:
    algorithm = parameters.management_algorithm(given)
    key = at.bench.unseal(given.get("key"))
    if len(key) != algorithm.key:
        raise SealBroken
    at.progress(Stage.WRITING)
    at.card.set_management_key(algorithm.name, key)
    return {}


def generate_key(at: At, given: Parameters) -> Result:
    slot, algorithm = parameters.slot(given), parameters.algorithm(given)
    at.progress(parameters.MAKING[slot])
    at.open.endorsable.pop(slot, None)
    public_key = at.card.generate(slot, algorithm)
    at.open.endorsable[slot] = thumbprint(public_key)
    result = {"public_key": encoding.to_text(public_key)}
    attestation = at.card.attest(slot)
    if attestation is not None:
        result["attestation"] = encoding.to_text(attestation)
    return result


def write_certificate(at: At, given: Parameters) -> Result:
    slot, der = parameters.slot(given), parameters.octets(given, "certificate")
    with _written_and_checked(at):
        return {"sha256": at.card.write_certificate(slot, der)}


def write_objects(at: At, given: Parameters) -> Result:
    objects = given.get("objects")
    if not isinstance(objects, Mapping) or not objects:
        raise UnknownRequest("objects")
    contents = {
        parameters.tag(name): (name, encoding.to_bytes(value)) for name, value in objects.items()
    }
    digests = {}
    for tag, (name, content) in contents.items():
        with _written_and_checked(at):
            at.card.write_object(tag, content)
        digests[name] = hashlib.sha256(content).hexdigest()
    if CHUID in contents:
        at.open.read_guid()
    return {"sha256": digests}


def erase(at: At, given: Parameters) -> Result:
    at.progress(Stage.WRITING)
    at.open.endorsable.clear()
    return {"left": at.card.erase(), **pins.reset(at.card, wanted=given.get("reset") is True)}


HANDLERS: dict[Command, Callable[[At, Parameters], Result]] = {
    Command.SIGN: sign,
    Command.PROVE_PRESENCE: prove_presence,
    Command.CHANGE_PASSCODE: change_passcode,
    Command.UNLOCK: unlock,
    Command.OPEN_MANAGEMENT: open_management,
    Command.ANSWER_MANAGEMENT: answer_management,
    Command.SET_RETRY_COUNTS: set_retry_counts,
    Command.SET_MANAGEMENT_KEY: set_management_key,
    Command.CHANGE_PUK: change_puk,
    Command.SET_PASSCODE: set_passcode,
    Command.GENERATE_KEY: generate_key,
    Command.WRITE_CERTIFICATE: write_certificate,
    Command.WRITE_OBJECTS: write_objects,
    Command.ERASE: erase,
}

SETS_PASSCODE = frozenset({Command.CHANGE_PASSCODE, Command.UNLOCK, Command.SET_PASSCODE})


def thumbprint(public_key: bytes) -> str:
    """The RFC 7638 thumbprint of a public key (DER SubjectPublicKeyInfo).

    Raises:
        MalformedAnswer: no such key.
    """
    try:
        key = load_der_public_key(public_key)
    except ValueError as error:
        raise MalformedAnswer("not a public key") from error
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ECKey.import_key(public_key).thumbprint()
    if isinstance(key, rsa.RSAPublicKey):
        return RSAKey.import_key(public_key).thumbprint()
    raise MalformedAnswer("another kind of key")


@contextmanager
def _written_and_checked(at: At) -> Iterator[None]:
    """Tell the page when the writing is over and what was written is read back."""

    def hear(instruction: int) -> None:
        if instruction == INS_GET_DATA:
            at.progress(Stage.CHECKING_WRITTEN)

    at.progress(Stage.WRITING)
    at.open.watched.hear = hear
    try:
        yield
    finally:
        at.open.watched.hear = None


def _verify(at: At) -> None:
    at.progress(Stage.CHECKING_PASSCODE)
    if not at.bench.passcode:
        raise PasscodeNeeded
    pins.verify(at.card, at.bench.passcode)
    at.open.passcode_verified = True


def _set_passcode(at: At, puk: str) -> Result:
    new = pins.given(at.bench.new_passcode)
    at.open.passcode_verified = False
    pins.reset_retry_counter(at.card, puk, new)
    _use_new_passcode(at)
    return {}


def _use_new_passcode(at: At) -> None:
    """From here on the new one is the passcode; two of three cards want it verified again."""
    if at.bench.passcode is not None:
        at.bench.passcode.wipe()
    at.bench.passcode, at.bench.new_passcode = at.bench.new_passcode, None
    _verify(at)


def _endorsed(at: At, slot: Slot) -> str:
    try:
        return at.open.endorsable[slot]
    except KeyError:
        raise UnknownRequest("no key was made in that slot in this session") from None
