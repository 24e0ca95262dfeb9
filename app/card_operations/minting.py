"""Steps are written down, then their tickets are signed: the part of the journal that asks."""

from datetime import datetime

from app import scope
from app.card_operations import hello, tickets, wire
from app.card_operations.answers import NextTicket
from app.card_operations.base import KINDS, Operation, Turn
from app.card_operations.management import ManagementRefused
from app.card_operations.office import Office
from app.card_operations.refusals import CardNotVerified, WorkstationNotEnrolled
from app.card_operations.statements import StatementRefused
from app.domain.card_services import FOR_AGENTS
from app.domain.days import day_of
from app.domain.principal import Principal
from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import BridgeConnection, CardOperation, CardOperationStep


def mint(
    row: CardOperation, *, office: Office, now: datetime, actor: Principal | None
) -> NextTicket:
    step = next_step(row, now)
    row.steps.append(step)
    try:
        answer = sign_ticket(row, step, office=office, now=now, actor=actor)
    except (StatementRefused, ManagementRefused) as error:
        raise CardNotVerified(str(error)) from error  # no key of it is known to ask it with
    db.session.commit()
    return answer


def next_step(row: CardOperation, now: datetime) -> CardOperationStep:
    """The step of the next ticket, not written yet."""
    row.updated_at = now
    return CardOperationStep(
        number=len(row.steps) + 1,
        name=row.step,
        jti=wire.random_text(),
        nonce=wire.random_text(),
        ticket_at=now,
    )


def sign_ticket(
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


def connection_for(operation: Operation, sid: str, browser: str, now: datetime) -> BridgeConnection:
    connection = hello.connection_of(sid, browser=browser, now=now)
    enrolled = connection.workstation.status is WorkstationStatus.ENROLLED
    if operation.sends_secrets and not enrolled:
        raise WorkstationNotEnrolled
    return connection


def may_go_on(row: CardOperation, actor: Principal | None) -> bool:
    """Whether whoever asks is in the session that began the operation, if one did."""
    return row.session_id is None or (actor is not None and actor.session_id == row.session_id)


def may_help(row: CardOperation, actor: Principal | None, now: datetime) -> bool:
    """Whether whoever works on another person's card may still: their role, and whom it reaches."""
    needed = next((FOR_AGENTS[each][0] for each in FOR_AGENTS if each == row.kind), None)
    if not row.is_assisted or needed is None:
        return True
    if actor is None or not actor.may(needed):
        return False
    if row.person_id is None:
        return True
    with db.session.no_autoflush:  # what is to be written goes together, with the answer
        return scope.reaches(actor, row.person_id, today=day_of(now))
