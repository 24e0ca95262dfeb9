"""How every operation runs: its journal, its tickets, and the one way in which results come in.

A step is written to the journal and committed before its ticket leaves, so that any step may be
the last one that happened. A result counts once: the same again gets the same answer, another one
is refused.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app.card_operations import card_rows, wire
from app.card_operations.answers import Answer, NextTicket
from app.card_operations.base import KINDS, Operation, Turn, exclusive_kinds
from app.card_operations.judging import judge, said_before
from app.card_operations.minting import connection_for, may_go_on, mint
from app.card_operations.office import Office
from app.card_operations.refusals import (
    CardInHand,
    OperationOver,
    OtherAnswer,
    StepPassed,
)
from app.domain.errors import NotFound, NotSignedIn
from app.domain.principal import Principal
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import BridgeConnection, Card, CardOperation, CardOperationStep, Session
from reader_bridge.contract import KEY_GENERATION_SECONDS, STEP_SECONDS, TICKET_SECONDS

MOST_STEPS = 100  # of one operation, however often it is continued
MANY_STEPS = 60  # after that what stands still on a card goes on under a new name
# From a ticket to its answer at the latest. Whoever has not answered by then has gone away.
IN_HAND = timedelta(seconds=TICKET_SECONDS + STEP_SECONDS + KEY_GENERATION_SECONDS)
SEAT_LENGTH = 64  # a longer one is none of a bridge's: nothing will be found there

# Put together once: that takes longer than the database takes to answer.
_KNOWN = select(CardOperation).where(CardOperation.public_id == bindparam("public_id"))
_LOCKED = _KNOWN.with_for_update()
_STEPS = (
    select(CardOperationStep, BridgeConnection)
    .outerjoin(BridgeConnection, BridgeConnection.id == bindparam("connection_id"))
    .where(CardOperationStep.operation_id == bindparam("operation_id"))
    .order_by(CardOperationStep.number)
    # The connection may be gone: what comes with it must not take the steps away
    .options(joinedload(BridgeConnection.workstation, innerjoin=False))
    .execution_options(populate_existing=True)
)
_UNFINISHED = (
    select(CardOperation)
    .where(CardOperation.card_id == bindparam("card_id"), CardOperation.finished_at.is_(None))
    .order_by(CardOperation.id.desc())
    .limit(1)
)
_UNFINISHED_OF = _UNFINISHED.where(CardOperation.kind.in_(bindparam("kinds", expanding=True)))
_LAST_AT_WORK = (
    select(CardOperation.updated_at)
    .outerjoin(Session, Session.id == CardOperation.session_id)
    .where(
        Session.ended_at.is_(None),
        CardOperation.card_id == bindparam("card_id"),
        CardOperation.state == OperationState.OPEN,
        CardOperation.kind.in_(bindparam("kinds", expanding=True)),
        CardOperation.browser != bindparam("browser"),
        CardOperation.updated_at > bindparam("since"),
    )
    .order_by(CardOperation.updated_at.desc())
    .limit(1)
)


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
        CardInHand: somebody else is at work on the card.
    """
    connection = connection_for(operation, sid, browser, now)
    if card is not None:
        demand_free(operation, card, browser, now)
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
    return mint(row, office=office, now=now, actor=actor)


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

    ``card`` is the GUID that the card in the reader shows. Whoever works on another person's card
    goes on as they began, where it is asked whether they may (``take_over``).

    Raises:
        NotFound: there is none, it is another browser's, or about another person's card.
        OperationOver: it has ended.
        NotSignedIn: it was begun in a session, and this is not that session.
        CardInHand: somebody else is at work on the card.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    row = _locked(public_id, browser)
    if row.state.is_over:
        raise OperationOver(state=row.state.value)
    if not may_go_on(row, actor):
        raise NotSignedIn
    if row.is_assisted:
        db.session.rollback()
        raise NotFound("card-operation", public_id)
    if row.card is not None:
        demand_free(KINDS[row.kind], row.card, browser, now)
    return _go_on(row, sid=sid, seat=seat, actor=actor, office=office, now=now, card=card)


def take_over(
    row: CardOperation,
    *,
    sid: str,
    seat: str,
    browser: str,
    actor: Principal | None,
    office: Office,
    now: datetime,
    card: str | None = None,
) -> NextTicket:
    """Go on with an operation that stands still, wherever and by whomever it was begun. Commits.

    The caller has made sure that ``actor`` may. In the browser where it was begun the newer page
    wins; elsewhere only when nobody is at it any more. What was tried very often goes on under a
    new name (``with_room``).

    Raises:
        OperationOver: it has ended meanwhile.
        CardInHand: somebody else is at work on the card.
        ConnectionUnknown, WorkstationBlocked, WorkstationNotEnrolled: about the bridge.
    """
    row = db.session.scalars(
        select(CardOperation).where(CardOperation.id == row.id).with_for_update()
    ).one()
    db.session.expire_all()  # the keys and certificates, too, as they are under the lock
    if row.state.is_over:
        raise OperationOver(state=row.state.value)
    if row.card is not None:
        demand_free(KINDS[row.kind], row.card, browser, now)
    row = with_room(row, now)
    row.browser = browser
    row.session_id = actor.session_id if actor else None
    row.actor_person_id = actor.person_id if actor else None
    return _go_on(row, sid=sid, seat=seat, actor=actor, office=office, now=now, card=card)


def with_room(row: CardOperation, now: datetime) -> CardOperation:
    """A locked operation that stands still, or, after very many steps, the same under a new name.

    The limit of steps is each operation's own: it must not close a card for good. Whatever is known
    of what was done to the card is taken along. Part of the caller's action.
    """
    if len(row.steps) < MANY_STEPS:
        return row
    operation = KINDS[row.kind]
    anew = CardOperation(
        public_id=str(uuid4()),
        kind=row.kind,
        state=OperationState.WAITING,
        step=operation.resumes_at(row),
        card=row.card,
        person_id=row.person_id,
        browser=row.browser,
        facts=operation.known_of(row),
        started_at=now,
        updated_at=now,
    )
    row.give_up(now)
    db.session.add(anew)
    return anew


def unfinished(card: Card, *kinds: str) -> CardOperation | None:
    """The newest operation on a card, of these kinds or of any, that has begun and not ended."""
    begun = _UNFINISHED_OF if kinds else _UNFINISHED
    return db.session.scalar(begun, {"card_id": card.id, "kinds": kinds})


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
    _read_steps(row)
    step = next((each for each in row.steps if each.number == body.get("step")), None)
    if step is None:
        raise NotFound("card-operation-step", str(body.get("step")))
    content = {name: body.get(name) for name in ("results", "error")}
    digest = wire.digest(content)
    if step.result_digest is not None:
        db.session.rollback()
        if step.result_digest != digest:
            raise OtherAnswer
        return said_before(step)
    if row.state.is_over:
        raise OperationOver(state=row.state.value)
    if step is not row.steps[-1] or row.connection is None:
        raise StepPassed
    turn = Turn(row, step, row.connection, office, now, actor)
    return judge(KINDS[row.kind], turn, content, body.get("receipt"), digest=digest)


def _go_on(
    row: CardOperation,
    *,
    sid: str,
    seat: str,
    actor: Principal | None,
    office: Office,
    now: datetime,
    card: str | None,
) -> NextTicket:
    operation = KINDS[row.kind]
    if len(row.steps) >= MOST_STEPS:
        raise OperationOver(state="too-many-steps")
    row.connection = connection_for(operation, sid, row.browser, now)
    row.seat = seat[:SEAT_LENGTH]
    row.step = operation.resumes_at(row)
    row.state = OperationState.OPEN
    if card is not None:
        row.facts["shown_guid"] = card
    return mint(row, office=office, now=now, actor=actor)


def demand_free(operation: Operation, card: Card, browser: str, now: datetime) -> None:
    """Lock the card's row, and make sure that nobody in another browser is at work on the card.

    Raises:
        CardInHand: somebody is.
    """
    if not operation.exclusive:
        return
    free_at = in_hand_until(card, browser, now)
    if free_at is not None:
        db.session.rollback()
        raise CardInHand(free_at=free_at)


def in_hand_until(card: Card, browser: str, now: datetime) -> datetime | None:
    """Lock the card's row, and say when somebody in another browser will be done with the card.

    Who began in a session that is over gets no further ticket: there is nobody at it any more.
    """
    card_rows.lock(card.id)
    since = db.session.scalar(
        _LAST_AT_WORK,
        {
            "card_id": card.id,
            "kinds": exclusive_kinds(),
            "browser": browser,
            "since": now - IN_HAND,
        },
    )
    return since + IN_HAND if since is not None else None


def _locked(public_id: str, browser: str) -> CardOperation:
    row = db.session.scalar(_LOCKED, {"public_id": public_id})
    if row is None or row.browser != browser:
        db.session.rollback()
        raise NotFound("card-operation", public_id)
    return row


def _read_steps(row: CardOperation) -> None:
    """Read the steps of a locked operation, and the connection of its last ticket, at once."""
    of_row = {"operation_id": row.id, "connection_id": row.connection_id}
    found = db.session.execute(_STEPS, of_row).all()
    set_committed_value(row, "steps", [each.CardOperationStep for each in found])
    if found:
        set_committed_value(row, "connection", found[0].BridgeConnection)


def find(public_id: str, *, browser: str) -> CardOperation:
    """The operation, if it is this browser's.

    Raises:
        NotFound: it is not.
    """
    row = known(public_id, browser=browser)
    if row is None:
        raise NotFound("card-operation", public_id)
    return row


def known(public_id: str, *, browser: str) -> CardOperation | None:
    """The operation, if there is one of this browser."""
    row = db.session.scalar(_KNOWN, {"public_id": public_id})
    return row if row is not None and row.browser == browser else None
