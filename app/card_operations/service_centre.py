"""The way into the Smartcard Service Centre: the card proves itself before anything is decided.

It begins the same for every card, whatever its number: nothing is looked up before the card has
signed. What it signs is judged with one question to the database, and whoever is turned away gets
one and the same answer: an unknown card, one that proves nothing, one that is cancelled, whoever is
not registered, or blocked. Nobody learns here who has a card, or uses self-service.

=======  =========================================================  ==============================
step     card work                                                  cut: way forward
=======  =========================================================  ==============================
prove    9E signs unlock-start, no passcode                         again
other    the same with the other algorithm, where the page could    again
         not say which one the key has
=======  =========================================================  ==============================

A card whose holder may unlock it has an unlock from then on (``unlock``), which stands still until
``unlock.allow``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import and_, case, select, union_all

from app import audit
from app.card_operations import base, journal, sealed, statements, stopping, unlock
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, GoOn, Move, Operation, Pause, Refuse, Result, Turn
from app.card_operations.office import Office
from app.card_operations.refusals import CardInHand
from app.card_operations.statements import Expected, KnownKey, Statement, StatementRefused
from app.card_operations.stopping import STOPPED
from app.domain.card_lifecycle import TRANSITIONS, CardEvent
from app.domain.self_service import Mode, Standing
from app.domain.statuses import KeyState, OperationState, Outcome, PersonStatus
from app.extensions import db
from app.models import Card, CardKey, CardOperation, Person, SelfService
from reader_bridge.contract import Algorithm, Code, Command, Purpose, Slot, Stage

KIND = "service-centre"
PROVE, OTHER = "prove", "other"
STAGES = (Stage.CHECKING_CARD, Stage.PROVING)
_KEY = Slot.CARD_AUTHENTICATION
# What is asked where no such card is known: its verification costs what any other one costs
_NOBODY = KnownKey.from_der(
    _KEY,
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
)


class Why(StrEnum):
    """Why somebody was turned away: for the audit log, and for nobody at the card."""

    NOT_PROVEN = "not-proven"  # unknown, or not the card that it says it is
    CARD = "card"  # not one that can be unlocked: suspended, cancelled
    CLOSED = "account-closed"
    PUK_UNKNOWN = "puk-unknown"
    NOT_REGISTERED = "not-registered"  # or without the questions that are asked
    BLOCKED = "blocked"


@dataclass(frozen=True)
class CardKeyShown:
    """What a page has read of the card's own key. Not proven; it says how to ask, and whom."""

    algorithm: Algorithm | None = None
    jkt: str | None = None

    @classmethod
    def from_certificate(cls, der: bytes | None) -> "CardKeyShown":
        """Of the certificate in slot 9E, whoever issued it; nothing where there is none."""
        try:
            certificate = x509.load_der_x509_certificate(der or b"")
            public = certificate.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            key = KnownKey.from_der(_KEY, public)
        except (ValueError, StatementRefused):
            return cls()
        return cls(key.algorithm, key.thumbprint)


class ServiceCentre(Operation):
    """Done → facts {unlock: the operation that goes on}. Refuse → whoever it was, nothing more."""

    kind = KIND
    event = "card.unlock-begun"
    first_step = PROVE
    sends_secrets = True  # none here: but what follows does, and is refused before, not after

    def ask(self, turn: Turn) -> Ask:
        own = turn.operation.facts
        algorithm = Algorithm(own["algorithm"])
        if turn.step.name == OTHER:
            algorithm = next(each for each in Algorithm if each is not algorithm)
        work = {
            "command": Command.SIGN.value,
            "slot": _KEY.value,
            "algorithm": algorithm.value,
            "purpose": Purpose.UNLOCK_START.value,
            "nonce": turn.nonce,
        }
        return Ask(work=[work], card=own["shown_guid"], stages=STAGES)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        return _judge(turn, results[0].get("statement"))

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        if facts.get("command") != Command.SIGN or code not in (
            Code.CARD_REFUSED,
            Code.UNSUPPORTED,
        ):
            return Pause(PROVE, code, dict(facts))
        if turn.step.name == PROVE and turn.operation.facts["guessed"]:
            return GoOn(OTHER)
        return _judge(turn, None)  # it signs nothing: it proves nothing


SERVICE_CENTRE = base.register(ServiceCentre())


def start(
    shown_guid: str | None,
    shown_key: CardKeyShown,
    *,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the card in this seat to prove itself: the same for every card. Commits.

    ``shown_guid`` and ``shown_key`` are what the page has read from it; nobody looks them up.

    Raises:
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    return journal.begin(
        SERVICE_CENTRE,
        sid=sid,
        seat=seat,
        browser=browser,
        card=None,
        person_id=None,
        actor=None,
        office=office,
        now=now,
        facts={
            "shown_guid": shown_guid,
            "algorithm": (shown_key.algorithm or Algorithm.ES256).value,
            "guessed": shown_key.algorithm is None,
            "jkt": shown_key.jkt,
        },
    )


@dataclass(frozen=True)
class _Found:
    """What is known of the card that a page has named, and of its holder."""

    card: Card
    key: CardKey | None
    holder: PersonStatus | None
    self_service: SelfService | None

    @property
    def standing(self) -> Standing:
        own = self.self_service
        return Standing(
            registered=own is not None and own.registered_at is not None,
            has_questions=own is not None and own.questions_changed_at is not None,
            failures=own.failed_attempts if own is not None else 0,
            blocked=own is not None and own.blocked_at is not None,
        )


def _judge(turn: Turn, token: object) -> Move:
    """Say who may go on. Up to the decision the work is the same, whatever it will be."""
    found = _find(turn.operation.facts)
    key = KnownKey.from_der(_KEY, found.key.public_key) if found and found.key else _NOBODY
    try:
        made = statements.verify(token, key, _expected(turn))
    except StatementRefused:
        return _refuse(turn, None, Why.NOT_PROVEN)
    assert found is not None  # whose key has signed
    why = _why_not(found, turn.office)
    if why is not None:
        return _refuse(turn, found.card, why)
    return _begin(turn, found.card, made)


def _find(shown: Mapping[str, Any]) -> _Found | None:
    """One question for everything. The card whose key the page has shown counts first."""
    by_key = select(CardKey.card_id).where(CardKey.jkt == shown["jkt"])
    by_guid = select(Card.id).where(Card.guid == shown["shown_guid"])
    of_this_key = and_(CardKey.card_id == Card.id, CardKey.slot == _KEY.value)
    asked = (
        select(Card, CardKey, Person.status, SelfService)
        .outerjoin(CardKey, and_(of_this_key, CardKey.state == KeyState.CURRENT))
        .outerjoin(Person, Person.id == Card.person_id)
        .outerjoin(SelfService, SelfService.person_id == Card.person_id)
        .where(Card.id.in_(union_all(by_key, by_guid)))
        .order_by(case((CardKey.jkt == shown["jkt"], 0), else_=1), Card.id)
        .limit(1)
    )
    with db.session.no_autoflush:  # what was written down before differs with the card's answer
        row = db.session.execute(asked).first()
    return _Found(*row) if row is not None else None


def _expected(turn: Turn) -> Expected:
    return Expected(
        origin=turn.office.origin,
        purpose=Purpose.UNLOCK_START,
        nonce=turn.nonce,
        card=turn.operation.facts["shown_guid"],
        seat=str(turn.operation.seat),
        instance=turn.connection.instance,
    )


def _why_not(found: _Found, office: Office) -> Why | None:
    standing = found.standing
    if (found.card.status, CardEvent.UNLOCK) not in TRANSITIONS:
        return Why.CARD
    if found.holder is not PersonStatus.OPEN:
        return Why.CLOSED
    if sealed.doubt(found.card).unknown:
        return Why.PUK_UNKNOWN
    if not standing.may_try:
        return Why.BLOCKED
    if not standing.may_unlock(Mode(office.config["SELF_SERVICE_MODE"])):
        return Why.NOT_REGISTERED
    return None


def _refuse(turn: Turn, card: Card | None, why: Why) -> Refuse:
    """Turn away. What was not proven is nobody's: the event names the number that was shown."""
    _record(turn, card, Outcome.REFUSED, why=why, guid=turn.operation.facts["shown_guid"])
    return Refuse({"refused": True})


def _begin(turn: Turn, card: Card, made: Statement) -> Move:
    """Begin the unlock of a card that has proven itself, or go on with one that was cut off."""
    stopping.locked(card.id)  # read under their locks: what runs on the card, and the card
    if (card.status, CardEvent.UNLOCK) not in TRANSITIONS:
        return _refuse(turn, card, Why.CARD)
    if sealed.doubt(card).unknown:
        return _refuse(turn, card, Why.PUK_UNKNOWN)
    free_at = journal.in_hand_until(card, turn.operation.browser, turn.now)
    if free_at is not None:
        return Pause(PROVE, CardInHand.reason, {"free_at": free_at.isoformat()})
    operation = _unlock_of(turn, card)
    _record(turn, card, Outcome.DONE, statement=made.token, operation=operation.public_id)
    return Done({"unlock": operation.public_id})


def _unlock_of(turn: Turn, card: Card) -> CardOperation:
    """The unlock of this card, in this browser, standing still. Whoever comes proves all again."""
    row = journal.unfinished(card, unlock.KIND)
    if row is not None:
        row = journal.with_room(row, turn.now)
    if row is None:
        row = CardOperation(
            public_id=str(uuid4()), kind=unlock.KIND, card=card, person_id=card.person_id
        )
        row.started_at = turn.now
        db.session.add(row)
    elif row.steps and row.steps[-1].result_digest is None:
        row.steps[-1].result_digest = STOPPED  # no answer has this digest: a late one is refused
    row.state, row.step = OperationState.WAITING, unlock.UNLOCK
    row.browser, row.connection, row.seat = (
        turn.operation.browser,
        turn.connection,
        turn.operation.seat,
    )
    row.session_id = row.actor_person_id = None
    row.updated_at = turn.now
    row.facts = {
        "mode": unlock.SELF_SERVICE,
        "shown_guid": turn.operation.facts["shown_guid"],
        "proven_at": turn.now.isoformat(),
    }
    db.session.flush()
    return row


def _record(turn: Turn, card: Card | None, outcome: Outcome, **facts: Any) -> None:
    audit.record(
        ServiceCentre.event,
        outcome=outcome,
        actor=None,
        subject_person_id=card.person_id if card is not None else None,
        subject_card_id=card.id if card is not None else None,
        workstation_id=turn.connection.workstation_id,
        now=turn.now,
        **{"operation": turn.operation.public_id, **facts},
    )
