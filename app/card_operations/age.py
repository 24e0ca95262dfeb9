"""A demonstration's card grows older: its certificates are issued again with dates in the past.

They are written to the card by real steps, with management authentication, so that page, card and
database agree. Only where DEMONSTRATION is on.
"""

import hashlib
from datetime import datetime, timedelta

from app.card_operations import base, journal, management_session, sealed
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, GoOn, Move, Operation, Pause, Result, Turn, key_row
from app.card_operations.certificates import (
    activate,
    active_certificate,
    held_certificate,
    issue_for,
    revoke,
)
from app.card_operations.management import ManagementRefused
from app.card_operations.new_keys import write_certificate
from app.card_operations.office import Office
from app.card_operations.statements import StatementRefused
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.errors import NotAllowed, TransitionRefused
from app.domain.principal import Principal
from app.domain.revocation import RevocationReason
from app.domain.statuses import Outcome
from app.models import Card, CardOperation
from app.pki.authority import CLOCK_SKEW
from reader_bridge.contract import Hold, Slot, Stage

KIND = "age"
OPEN, WRITE = "open", "write"
SLOTS = (Slot.SIGNATURE, Slot.AUTHENTICATION)
STAGES = (Stage.CHECKING_CARD, Stage.PROVING, Stage.WRITING, Stage.CHECKING_WRITTEN)


class Age(Operation):
    kind = KIND
    event = "demonstration.card-aged"
    first_step = OPEN
    survives_refusal = True

    def ask(self, turn: Turn) -> Ask:
        if turn.step.name == OPEN:
            work = [management_session.witness_work()]
            return Ask(work=work, card=turn.card.guid, hold=Hold.CARD, stages=STAGES)
        key = sealed.management_key(turn.office.vault, turn.card)
        work = [management_session.answer_work(turn, key)]
        for slot in SLOTS:
            certificate = held_certificate(turn.card, slot)
            assert certificate is not None
            work.append(write_certificate(certificate))
        return Ask(work=work, card=turn.card.guid, continues=True, stages=STAGES)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        if turn.step.name == OPEN:
            return self._issue_again(turn, results[0])
        key = sealed.management_key(turn.office.vault, turn.card)
        management_session.check_response(turn, results[0], key)
        for slot, written in zip(SLOTS, results[1:], strict=True):
            certificate = held_certificate(turn.card, slot)
            assert certificate is not None
            if written.get("sha256") != hashlib.sha256(certificate.der).hexdigest():
                raise StatementRefused("written certificate")
        turn.card.expires_on = activate(turn.card, SLOTS, now=turn.now)
        turn.card.modified_at = turn.now
        days = turn.operation.facts["days"]
        turn.record(self.event, Outcome.DONE, days=days, expires_on=str(turn.card.expires_on))
        return Done({"guid": turn.card.guid, "days": days})

    def resumes_at(self, operation: CardOperation) -> str:
        return OPEN

    def _issue_again(self, turn: Turn, opened: Result) -> Move:
        key = sealed.management_key(turn.office.vault, turn.card)
        if management_session.note_witness(turn, opened) != key.algorithm:
            raise ManagementRefused("algorithm")
        assert turn.card.person is not None
        for slot in SLOTS:
            unused = held_certificate(turn.card, slot)
            if unused is not None:
                revoke(unused, RevocationReason.SUPERSEDED, turn.now)
            row, before = key_row(turn.card, slot), active_certificate(turn.card, slot)
            if row is None or before is None:
                return Pause(OPEN, "no-certificate")
            age = turn.now - (before.not_before + CLOCK_SKEW)
            issue_for(
                turn.card,
                row,
                uuid=turn.card.person.uuid,
                issuer=turn.office.issuer,
                now=turn.now,
                moved_back=age + timedelta(days=turn.operation.facts["days"]),
            )
        return GoOn(WRITE)


AGE = base.register(Age())


def start(
    card: Card,
    days: int,
    *,
    sid: str,
    seat: str,
    browser: str,
    actor: Principal | None,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Move both ends of the validity of a card's certificates ``days`` into the past. Commits.

    Raises:
        NotAllowed: this is no demonstration.
        TransitionRefused: the card is not issued.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    if not office.demonstration:
        raise NotAllowed(reason="no-demonstration")
    if card.status is not CardStatus.ISSUED:
        raise TransitionRefused(card.status, CardEvent.REPAIR)
    return journal.begin(
        AGE,
        sid=sid,
        seat=seat,
        browser=browser,
        card=card,
        person_id=card.person_id,
        actor=actor,
        office=office,
        now=now,
        facts={"days": days},
    )
