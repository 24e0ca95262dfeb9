"""What the card answered is judged, and what follows is carried out: the part of the journal that
hears.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.card_operations import receipts, said_no, wire, writing
from app.card_operations.answers import (
    Answer,
    CardAnswered,
    Finished,
    Waiting,
    from_journal,
    to_journal,
)
from app.card_operations.base import WHEN_DONE, Done, GoOn, Move, Operation, Pause, Refuse, Turn
from app.card_operations.management import ManagementRefused
from app.card_operations.minting import may_go_on, may_help, next_step, sign_ticket
from app.card_operations.refusals import CardNotVerified
from app.card_operations.statements import StatementRefused
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.errors import NotAllowed, NotSignedIn, RuleBroken
from app.domain.statuses import OperationState, Outcome
from app.extensions import db
from app.models import Card, CardOperationStep
from app.pki.authority import KeyRefused
from reader_bridge.contract import Code


def judge(
    operation: Operation, turn: Turn, content: Mapping[str, Any], receipt: object, *, digest: str
) -> Answer:
    """Judge what the bridge answered to a ticket, and carry out what follows. Commits.

    What the step has come to goes to the database at once, after everything has been read.
    """
    try:
        with db.session.begin_nested():
            move = _move(operation, turn, content, receipt)
            if isinstance(move, Done):
                for follows in WHEN_DONE[operation.kind]:
                    follows(turn)
            answer = _carry_out(turn, move, content, digest)
    except (
        StatementRefused,
        receipts.ReceiptRefused,
        ManagementRefused,
        KeyRefused,
        wire.Malformed,
    ) as error:
        refusal = CardNotVerified(str(error))
        _refuse(operation, turn, refusal, {"problem": refusal.problem}, digest)
        raise refusal from error
    except RuleBroken as error:
        _refuse(operation, turn, error, error.facts, digest)
        raise
    db.session.commit()
    return answer


def _move(operation: Operation, turn: Turn, content: Mapping[str, Any], receipt: object) -> Move:
    error, results = content["error"], content["results"]
    if error is None:
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            raise wire.Malformed("results")
        _receipt(turn, receipt, results)
        if len(results) != turn.operation.facts.get("asked"):
            raise wire.Malformed("results")
        move = operation.accept(turn, results)
        turn.step.outcome = receipts.DONE
        return move
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
    """Keep what a refusal says of the card itself, if the workstation has signed for it.

    Where nobody answers for the workstation, no more is kept than that it said so: the card never
    needs to have been there. Whoever has it in their hand is told all the same, and the chip says
    at every reading how many tries are left.
    """
    if not sure or turn.operation.card_id is None:
        return
    if not turn.is_vouched_for:
        if code == Code.WRONG_PASSCODE:
            turn.record("card.told-wrong-passcode", Outcome.REFUSED, left=facts.get("left"))
        elif code == Code.PASSCODE_LOCKED:
            turn.record("card.told-locked", Outcome.REFUSED)
    elif code == Code.WRONG_PASSCODE:
        turn.record("card.wrong-passcode", Outcome.REFUSED, left=facts.get("left"))
    elif code == Code.PASSCODE_LOCKED:
        turn.record("card.locked", Outcome.DONE)
        of_this = select(Card).where(Card.id == turn.operation.card_id)
        card = db.session.scalars(of_this.with_for_update()).one()  # cancelled at this moment?
        if card.status is CardStatus.ISSUED:
            card.apply(CardEvent.LOCK, now=turn.now)


def _carry_out(turn: Turn, move: Move, content: Mapping[str, Any], digest: str) -> Answer:
    row, step = turn.operation, turn.step
    _note_answer(turn, digest)
    if isinstance(move, GoOn):  # what the card has done counts in any case
        if not may_go_on(row, turn.actor):
            move = Pause(move.step, NotSignedIn.reason)
        elif not may_help(row, turn.actor, turn.now):
            move = Pause(move.step, NotAllowed.reason)
    common: dict[str, Any] = {"operation": row.public_id, "kind": row.kind}
    answer: Answer
    coming: CardOperationStep | None = None
    if isinstance(move, GoOn):
        row.step = move.step
        coming = next_step(row, turn.now)
        coming.operation_id = row.id
        answer = sign_ticket(row, coming, office=turn.office, now=turn.now, actor=turn.actor)
    elif isinstance(move, Pause):
        row.step = move.step
        row.state = OperationState.WAITING
        if content["error"] is not None and move.reason == step.outcome:
            answer = CardAnswered(**common, step=row.step, code=move.reason, facts=move.facts)
        else:
            answer = Waiting(**common, step=row.step, reason=move.reason, facts=move.facts)
    else:
        refused = isinstance(move, Refuse)
        row.state = OperationState.REFUSED if refused else OperationState.DONE
        row.finished_at = turn.now
        answer = Finished(**common, facts=move.facts)
    step.answer = to_journal(answer)
    turn.note_presence()
    writing.write_changes(step)
    writing.write_changes(row)
    if coming is not None:
        writing.write_new(coming)
    return answer


def _refuse(
    operation: Operation, turn: Turn, error: RuleBroken, facts: Mapping[str, Any], digest: str
) -> None:
    row, step = turn.operation, turn.step
    _note_answer(turn, digest)
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


def _note_answer(turn: Turn, digest: str) -> None:
    """From here on this answer counts, and no other."""
    turn.step.result_digest = digest
    turn.step.answered_at = turn.now
    turn.operation.updated_at = turn.now


def said_before(step: CardOperationStep) -> Answer:
    kept = step.answer or {}
    if kept.get("type") == "refused":
        if kept["reason"] == CardNotVerified.reason:
            raise CardNotVerified("again")
        raise RuleBroken(kept["reason"])
    return from_journal(kept)
