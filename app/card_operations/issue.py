"""Issuing a card: from a blank one, whose secrets everybody knows, to one that proves its holder.

The card's new GUID, management key and PUK are in the journal, sealed, before anything is sent.
The certificates are held until the last step. An issue that was cut off anywhere is run again:
what the journal believes is written and proven again, all else is made again.

=========  ==========================================================  ===========================
step       card work                                                   cut: way forward
=========  ==========================================================  ===========================
open       witness of the management key (9B)                          again
prepare    answer with the factory's key; retry counts; CHUID, CCC;    the new key is tried first,
           the new management key; witness                             then the factory's
secure     answer with the new key; PUK; the holder's passcode;        PUK: by turns the factory's
           then as ``keys``                                            and the new one; all again
keys       write and prove what is certified; make the next key,       certified: written again;
           proven by itself and by the key before it: 9E, 9C, 9A       not certified: made again
the last   9A signs: certificates active, card issued                  proven again
=========  ==========================================================  ===========================
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from app import audit
from app.card_operations import base, journal, sealed, which_puk
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, GoOn, Move, Operation, Pause, Result, Turn
from app.card_operations.certificates import (
    revoke,
)
from app.card_operations.issue_steps import (
    ACCEPT,
    IMPORTED,
    OPEN,
    ORDER,
    PREPARE,
    SECURE,
    WORK,
    stages,
)
from app.card_operations.office import Office
from app.card_operations.refusals import (
    FactoryKeyFixed,
    StepPassed,
    VirtualCardRefused,
)
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import Conflict
from app.domain.principal import Principal
from app.domain.revocation import RevocationReason
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Card, CardOperation, Person
from reader_bridge.contract import Algorithm, Code, Command

KIND = "issue"


@dataclass(frozen=True, kw_only=True)
class BlankCard:
    """What the bridge read from the card to be issued. ``guid`` is the one that it shows now."""

    guid: str | None
    virtual: bool
    profile: str
    manufacturer: str
    serial: str | None
    min_length: int
    max_length: int
    alphabet: str


class Issue(Operation):
    kind = KIND
    event = "card.issue"
    first_step = OPEN
    sends_secrets = True
    survives_refusal = True
    exclusive = True

    def ask(self, turn: Turn) -> Ask:
        work, hold = WORK[turn.step.name](turn)
        return Ask(
            work=work,
            card=turn.operation.facts["shown_guid"],
            hold=hold,
            continues=turn.step.name != OPEN,
            stages=stages(turn),
        )

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        return ACCEPT[turn.step.name](turn, results)

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        refused = facts.get("command") if "sw" in facts else None
        own, told = turn.operation.facts, dict(facts)
        if turn.step.name == SECURE and code == Code.PUK_REFUSED:
            which_puk.refused(turn, told, sure)
        if code == Code.CARD_REFUSED and refused == Command.ANSWER_MANAGEMENT:
            if turn.step.name == SECURE and sure:
                which_puk.not_sent(turn)
            own["refused"] = [*own["refused"], own["candidate"]]
            return GoOn(OPEN)
        if turn.step.name == PREPARE:
            if code == Code.CARD_REFUSED and refused == Command.SET_MANAGEMENT_KEY:
                if own["candidate"] != IMPORTED and not turn.card.virtual:
                    raise FactoryKeyFixed
                own["fixed"] = own["candidate"]
                own["keep_counts"] = True
                own["shown_guid"] = turn.card.guid  # written just before
                return GoOn(OPEN)
            if code in (Code.WRONG_PASSCODE, Code.PASSCODE_LOCKED, Code.PASSCODE_REFUSED):
                own["keep_counts"] = True  # not the factory's passcode: it is replaced anyway
                return GoOn(OPEN)
        return Pause(OPEN, code, told)

    def resumes_at(self, operation: CardOperation) -> str:
        operation.facts["refused"] = []
        return OPEN


ISSUE = base.register(Issue())


def start(
    person: Person,
    blank: BlankCard,
    *,
    sid: str,
    seat: str,
    browser: str,
    algorithm: Algorithm,
    actor: Principal | None,
    office: Office,
    now: datetime,
    number: str | None = None,
    approved: Mapping[str, Any] | None = None,
) -> NextTicket:
    """Begin to issue a card to a person, or go on with the issue that was cut off. Commits.

    ``approved`` is the evidence of the agent's approval (``approvals.Approval``); the event of the
    issue keeps it.

    Raises:
        VirtualCardRefused: a card in software, where only real ones are allowed.
        Conflict: the card in the reader is one that was issued already.
        StepPassed: the issue that was cut off was just gone on with elsewhere.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    if blank.virtual and not office.virtual_cards_allowed:
        raise VirtualCardRefused
    unfinished = unfinished_with(person, blank)
    if unfinished is not None:
        db.session.refresh(unfinished, with_for_update=True)  # a result may just have come in
        if not _is_with(unfinished, blank):
            raise StepPassed
        if approved is not None:
            unfinished.facts["approved"] = dict(approved)
        # Whoever has the card in the reader goes on with it, in a session of their own.
        return journal.take_over(
            unfinished,
            sid=sid, seat=seat, browser=browser, actor=actor, office=office, now=now,
            card=blank.guid,
        )  # fmt: skip
    known = _card_with(blank.guid)
    if known is not None and known.status is not CardStatus.BLANK:
        raise Conflict("card-already-issued")
    card = Card(
        guid=uuid4().hex,
        number=number or _new_number(),
        serial=blank.serial,
        manufacturer=blank.manufacturer,
        profile=blank.profile,
        virtual=blank.virtual,
        status=CardStatus.BLANK,
        modified_at=now,
        passcode_min_length=blank.min_length,
        passcode_max_length=blank.max_length,
        passcode_alphabet=blank.alphabet,
    )
    db.session.add(card)
    db.session.flush()
    sealed.keep_pending_puk(office.vault, card, sealed.new_puk())
    return journal.begin(
        ISSUE,
        sid=sid,
        seat=seat,
        browser=browser,
        card=card,
        person_id=person.id,
        actor=actor,
        office=office,
        now=now,
        facts={
            "shown_guid": blank.guid,
            "algorithms": {slot.value: algorithm.value for slot in ORDER},
            "refused": [],
            "written": [],
            "approved": dict(approved) if approved is not None else None,
        },
    )


def give_up(operation: CardOperation, *, actor: Principal | None, now: datetime) -> None:
    """Revoke what an issue holds and end it. Part of the caller's action.

    What was sent to the card stays known, so that it can be erased (``erase``).
    """
    assert operation.card is not None
    for certificate in operation.card.certificates:
        revoke(certificate, RevocationReason.CESSATION_OF_OPERATION, now)
    operation.give_up(now)
    audit.record(
        ISSUE.event,
        outcome=Outcome.FAILED,
        actor=actor,
        subject_person_id=operation.person_id,
        subject_card_id=operation.card_id,
        now=now,
        reason="abandoned",
        operation=operation.public_id,
    )


# Which card


def unfinished_with(person: Person, blank: BlankCard) -> CardOperation | None:
    """The issue that was cut off with this very card."""
    begun = db.session.scalars(
        select(CardOperation)
        .where(
            CardOperation.kind == KIND,
            CardOperation.person_id == person.id,
            CardOperation.finished_at.is_(None),
        )
        .order_by(CardOperation.id.desc())
    )
    return next((each for each in begun if _is_with(each, blank)), None)


def _is_with(operation: CardOperation, blank: BlankCard) -> bool:
    """Say whether this is the card of an issue: it shows our GUID, or what it showed then.

    A card that shows nothing and has no serial number looks like every other one of its make. Once
    the one may have its own management key, another must not be given the same.
    """
    card, own = operation.card, operation.facts
    if card is None:
        return False
    same_as_then = (own["shown_guid"], card.serial) == (blank.guid, blank.serial)
    tells_apart = blank.guid is not None or blank.serial is not None
    return card.guid == blank.guid or (same_as_then and (tells_apart or not own.get("key_sent")))


def _card_with(guid: str | None) -> Card | None:
    return db.session.scalar(select(Card).where(Card.guid == guid)) if guid else None


def _new_number() -> str:
    """A card number that no card has: twelve digits, the first never 0."""
    while True:
        number = str(secrets.randbelow(9 * 10**11) + 10**11)
        if db.session.scalar(select(Card.id).where(Card.number == number)) is None:
            return number
