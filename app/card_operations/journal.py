"""How every operation runs: its journal, its tickets, and the one way in which results come in.

A step is written to the journal and committed before its ticket leaves, so that any step may be
the last one that happened. A result counts once: the same again gets the same answer, another one
is refused.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from app.card_operations import hello, receipts, said_no, tickets, wire
from app.card_operations.answers import (
    Answer,
    CardAnswered,
    Finished,
    NextTicket,
    Waiting,
    from_journal,
    to_journal,
)
from app.card_operations.base import KINDS, GoOn, Move, Operation, Pause, Turn
from app.card_operations.management import ManagementRefused
from app.card_operations.office import Office
from app.card_operations.refusals import (
    CardNotVerified,
    OperationOver,
    OtherAnswer,
    StepPassed,
    WorkstationNotEnrolled,
)
from app.card_operations.statements import StatementRefused
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.errors import NotFound, NotSignedIn, RuleBroken
from app.domain.principal import Principal
from app.domain.statuses import OperationState, Outcome, WorkstationStatus
from app.extensions import db
from app.models import BridgeConnection, Card, CardOperation, CardOperationStep
from app.pki.authority import KeyRefused
from reader_bridge.contract import Code

MOST_STEPS = 100  # of one operation, however often it is continued
SEAT_LENGTH = 64  # a longer one is none of a bridge's: nothing will be found there


def begin(
    operation: Operation,
    *,
    sid: str,
    seat: str,
    browser: str,
    card: Card | None,
    person_id: int | None,
    actor: Principal | None,
    office: Office,
    now: datetime,
    facts: dict[str, Any] | None = None,
) -> NextTicket:
    """Open an operation and mint its first ticket. Commits.

    Raises:
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    connection = _connection(operation, sid, browser, now)
    row = CardOperation(
        public_id=str(uuid4()),
        kind=operation.kind,
        state=OperationState.OPEN,
        step=operation.first_step,
        card=card,
        person_id=person_id,
        actor_person_id=actor.person_id if actor else None,
        session_id=actor.session_id if actor else None,
        browser=browser,
        connection=connection,
        seat=seat[:SEAT_LENGTH],
        facts=facts or {},
        started_at=now,
        updated_at=now,
    )
    db.session.add(row)
    return _mint(row, office=office, now=now, actor=actor)


def ticket(
    public_id: str,
    *,
    sid: str,
    seat: str,
    browser: str,
    actor: Principal | None,
    office: Office,
    now: datetime,
    card: str | None = None,
) -> NextTicket:
    """Go on with an operation that stands still, in this browser, from where it can. Commits.

    ``card`` is the GUID that the card in the reader shows.

    Raises:
        NotFound: there is none, or it is another browser's.
        OperationOver: it has ended.
        NotSignedIn: it was begun in a session, and this is not that session.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    row = _locked(public_id, browser)
    if row.state.is_over:
        raise OperationOver(state=row.state.value)
    if not _may_go_on(row, actor):
        raise NotSignedIn
    operation = KINDS[row.kind]
    if len(row.steps) >= MOST_STEPS:
        raise OperationOver(state="too-many-steps")
    row.connection = _connection(operation, sid, browser, now)
    row.seat = seat[:SEAT_LENGTH]
    row.step = operation.resumes_at(row)
    row.state = OperationState.OPEN
    if card is not None:
        row.facts["shown_guid"] = card
    return _mint(row, office=office, now=now, actor=actor)


def result(
    public_id: str,
    body: Mapping[str, Any],
    *,
    browser: str,
    actor: Principal | None,
    office: Office,
    now: datetime,
) -> Answer:
    """Take in what the bridge answered to a ticket. Commits, also when it refuses.

    ``body`` is {step, results, receipt} or {step, error, receipt?}.

    Raises:
        NotFound: there is no such operation or step, or it is another browser's.
        OtherAnswer, StepPassed: the step has had its answer, or another ticket counts now.
        CardNotVerified: what came back proves nothing.
        RuleBroken: a rule says no.
    """
    row = _locked(public_id, browser)
    step = next((each for each in row.steps if each.number == body.get("step")), None)
    if step is None:
        raise NotFound("card-operation-step", str(body.get("step")))
    content = {name: body.get(name) for name in ("results", "error")}
    digest = wire.digest(content)
    if step.result_digest is not None:
        db.session.rollback()
        if step.result_digest != digest:
            raise OtherAnswer
        return _said_before(step)
    if row.state.is_over:
        raise OperationOver(state=row.state.value)
    if step is not row.steps[-1] or row.connection is None:
        raise StepPassed
    step.result_digest = digest
    step.answered_at = now
    row.updated_at = now
    db.session.flush()
    turn = Turn(row, step, row.connection, office, now, actor)
    return _judge(KINDS[row.kind], turn, content, body.get("receipt"))


def _judge(operation: Operation, turn: Turn, content: Mapping[str, Any], receipt: object) -> Answer:
    try:
        with db.session.begin_nested():
            move = _move(operation, turn, content, receipt)
    except (
        StatementRefused,
        receipts.ReceiptRefused,
        ManagementRefused,
        KeyRefused,
        wire.Malformed,
    ) as error:
        refusal = CardNotVerified(str(error))
        _refuse(operation, turn, refusal, {"problem": refusal.problem})
        raise refusal from error
    except RuleBroken as error:
        _refuse(operation, turn, error, error.facts)
        raise
    return _carry_out(operation, turn, move, content)


def _move(operation: Operation, turn: Turn, content: Mapping[str, Any], receipt: object) -> Move:
    error, results = content["error"], content["results"]
    if error is None:
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            raise wire.Malformed("results")
        _receipt(turn, receipt, results)
        if len(results) != turn.operation.facts.get("asked"):
            raise wire.Malformed("results")
        turn.step.outcome = receipts.DONE
        return operation.accept(turn, results)
    code, facts = said_no.read(error)
    sure = False
    if receipt is not None:
        signed = _receipt(turn, receipt, None)
        sure = signed.outcome == code and signed.says(facts)
    turn.step.outcome = code
    _note_card(turn, code, facts, sure)
    return operation.card_said_no(turn, code, facts, sure)


def _receipt(turn: Turn, receipt: object, results: list[Any] | None) -> receipts.Receipt:
    return receipts.verify(
        receipt,
        turn.connection.workstation.jwk,
        origin=turn.office.origin,
        sid=turn.connection.sid,
        operation=turn.operation.public_id,
        step=turn.step.number,
        jti=turn.step.jti,
        results=results,
    )


def _note_card(turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> None:
    """Keep what a refusal says of the card itself, if the workstation has signed for it."""
    if code == Code.WRONG_PASSCODE and sure:
        turn.record("card.wrong-passcode", Outcome.REFUSED, left=facts.get("left"))
    if code == Code.PASSCODE_LOCKED and sure and turn.operation.card is not None:
        turn.record("card.locked", Outcome.DONE)
        if turn.card.status is CardStatus.ISSUED:
            turn.card.apply(CardEvent.LOCK, now=turn.now)


def _carry_out(operation: Operation, turn: Turn, move: Move, content: Mapping[str, Any]) -> Answer:
    row, step = turn.operation, turn.step
    if isinstance(move, GoOn) and not _may_go_on(row, turn.actor):
        move = Pause(move.step, NotSignedIn.reason)  # what the card has done counts nevertheless
    common: dict[str, Any] = {"operation": row.public_id, "kind": row.kind}
    answer: Answer
    if isinstance(move, GoOn):
        row.step = move.step
        coming = _journal(row, turn.now)
        answer = _ticket(row, coming, office=turn.office, now=turn.now, actor=turn.actor)
    elif isinstance(move, Pause):
        row.step = move.step
        row.state = OperationState.WAITING
        if content["error"] is not None and move.reason == step.outcome:
            answer = CardAnswered(**common, step=row.step, code=move.reason, facts=move.facts)
        else:
            answer = Waiting(**common, step=row.step, reason=move.reason, facts=move.facts)
    else:
        row.state = OperationState.DONE
        row.finished_at = turn.now
        answer = Finished(**common, facts=move.facts)
    step.answer = to_journal(answer)
    db.session.commit()
    return answer


def _refuse(operation: Operation, turn: Turn, error: RuleBroken, facts: Mapping[str, Any]) -> None:
    row, step = turn.operation, turn.step
    step.outcome = error.reason[:40]
    step.answer = {"type": "refused", "reason": error.reason}
    if operation.survives_refusal:
        row.state = OperationState.WAITING
        row.step = operation.resumes_at(row)
    else:
        row.state = OperationState.REFUSED
        row.finished_at = turn.now
    told: dict[str, Any] = {name: str(value) for name, value in facts.items()}
    turn.record(operation.event, Outcome.REFUSED, reason=error.reason, step=step.name, **told)
    db.session.commit()


def _said_before(step: CardOperationStep) -> Answer:
    kept = step.answer or {}
    if kept.get("type") == "refused":
        if kept["reason"] == CardNotVerified.reason:
            raise CardNotVerified("again")
        raise RuleBroken(kept["reason"])
    return from_journal(kept)


def _mint(
    row: CardOperation, *, office: Office, now: datetime, actor: Principal | None
) -> NextTicket:
    step = _journal(row, now)
    answer = _ticket(row, step, office=office, now=now, actor=actor)
    db.session.commit()
    return answer


def _journal(row: CardOperation, now: datetime) -> CardOperationStep:
    step = CardOperationStep(
        operation=row,
        number=len(row.steps) + 1,
        name=row.step,
        jti=wire.random_text(),
        nonce=wire.random_text(),
        ticket_at=now,
    )
    row.updated_at = now
    db.session.add(step)
    db.session.flush()
    return step


def _ticket(
    row: CardOperation,
    step: CardOperationStep,
    *,
    office: Office,
    now: datetime,
    actor: Principal | None,
) -> NextTicket:
    """Sign the ticket of a journalled step. The caller commits before it hands the answer out."""
    assert row.connection is not None
    ask = KINDS[row.kind].ask(Turn(row, step, row.connection, office, now, actor))
    row.facts["asked"] = len(ask.work)
    token = tickets.mint(
        office.tickets,
        origin=office.origin,
        sid=row.connection.sid,
        hello_received=row.connection.received_at,
        now=now,
        jti=step.jti,
        operation=row.public_id,
        step=step.number,
        seat=str(row.seat),
        card=ask.card,
        work=ask.work,
        hold=ask.hold,
        continues=ask.continues,
    )
    return NextTicket(
        operation=row.public_id,
        kind=row.kind,
        step=step.number,
        ticket=token,
        result_url=f"/card-operations/{row.public_id}/result",
        stages=[stage.value for stage in ask.stages],
    )


def _connection(operation: Operation, sid: str, browser: str, now: datetime) -> BridgeConnection:
    connection = hello.connection_of(sid, browser=browser, now=now)
    enrolled = connection.workstation.status is WorkstationStatus.ENROLLED
    if operation.sends_secrets and not enrolled:
        raise WorkstationNotEnrolled
    return connection


def _may_go_on(row: CardOperation, actor: Principal | None) -> bool:
    """Whether whoever asks is in the session that began the operation, if one did."""
    return row.session_id is None or (actor is not None and actor.session_id == row.session_id)


def _locked(public_id: str, browser: str) -> CardOperation:
    row = db.session.scalar(
        select(CardOperation).where(CardOperation.public_id == public_id).with_for_update()
    )
    if row is None or row.browser != browser:
        db.session.rollback()
        raise NotFound("card-operation", public_id)
    return row


def find(public_id: str, *, browser: str) -> CardOperation:
    """The operation, if it is this browser's.

    Raises:
        NotFound: it is not.
    """
    row = db.session.scalar(select(CardOperation).where(CardOperation.public_id == public_id))
    if row is None or row.browser != browser:
        raise NotFound("card-operation", public_id)
    return row


def kind_of(public_id: str, *, browser: str) -> str | None:
    """The kind of an operation of this browser, or None."""
    row = db.session.scalar(select(CardOperation).where(CardOperation.public_id == public_id))
    return row.kind if row is not None and row.browser == browser else None
