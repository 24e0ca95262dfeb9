"""What is removed when it has done its work, and what never is."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import audit
from app.domain.statuses import OperationState, Outcome, SessionEnd, WorkstationStatus
from app.extensions import db
from app.models import (
    AuditEvent,
    BridgeConnection,
    CardOperation,
    CardOperationStep,
    OutboxMessage,
    RateLimit,
    Session,
    Workstation,
)
from app.services import limits, outbox, sessions
from app.services.tidy import tidy
from tests.parts import workstations
from tests.parts.people import a_card, a_person, a_session

pytestmark = pytest.mark.usefixtures("db_session")


def a_workstation(now) -> Workstation:
    row = Workstation(
        thumbprint="t" * 43, jwk={}, name="PC-1", version="1", first_seen_at=now, last_seen_at=now
    )
    db.session.add(row)
    db.session.commit()
    return row


def a_connection(workstation, now, sid="s") -> BridgeConnection:
    row = BridgeConnection(
        sid=sid,
        browser="b",
        ek={},
        workstation_id=workstation.id,
        instance="i",
        origin="o",
        received_at=now,
        expires_at=now + timedelta(hours=12),
    )
    db.session.add(row)
    db.session.commit()
    return row


def an_operation(now, **columns) -> CardOperation:
    row = CardOperation(
        **{
            "public_id": "o",
            "kind": "sign-in",
            "step": "S1",
            "browser": "b",
            "started_at": now,
            "updated_at": now,
            **columns,
        }
    )
    db.session.add(row)
    db.session.commit()
    return row


def how_many(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_session_that_nobody_came_back_to_is_ended_and_kept_for_30_days(clock):
    token = a_session(a_card(a_person()))
    tidy(clock.advance(minutes=7, seconds=59))
    assert sessions.end_reason(token) is None
    tidy(clock.advance(seconds=1))
    assert sessions.end_reason(token) is SessionEnd.PRESENCE_LOST
    tidy(clock.advance(days=30))
    assert how_many(Session) == 1
    tidy(clock.advance(seconds=1))
    assert how_many(Session) == 0


def test_a_connection_is_forgotten_after_12_hours_unless_an_operation_needs_it(clock):
    workstation = a_workstation(clock())
    a_connection(workstation, clock(), "finished")
    needed = a_connection(workstation, clock(), "needed")
    operation = an_operation(clock(), kind="renew", connection_id=needed.id)
    tidy(clock.advance(hours=12))
    assert how_many(BridgeConnection) == 2
    tidy(clock.advance(seconds=1))
    assert db.session.scalars(select(BridgeConnection.sid)).all() == ["needed"]
    operation.state, operation.finished_at = OperationState.DONE, clock()
    db.session.commit()
    tidy(clock())
    assert how_many(BridgeConnection) == 0
    db.session.refresh(operation)
    assert operation.connection_id is None


def test_a_sign_in_that_stopped_half_way_is_abandoned_and_other_operations_are_not(clock):
    an_operation(clock(), public_id="sign-in")
    an_operation(clock(), public_id="renew", kind="renew")
    tidy(clock.advance(hours=12, seconds=1))
    states = dict(db.session.execute(select(CardOperation.kind, CardOperation.state)).all())
    assert states == {"sign-in": OperationState.ABANDONED, "renew": OperationState.OPEN}


def test_the_journal_of_proofs_of_presence_is_removed_with_its_steps(clock):
    operation = an_operation(clock(), kind="presence")
    db.session.add(
        CardOperationStep(
            operation_id=operation.id, number=1, name="prove", jti="j", ticket_at=clock()
        )
    )
    db.session.commit()
    tidy(clock.advance(hours=1))
    assert how_many(CardOperation) == 1
    tidy(clock.advance(seconds=1))
    assert (how_many(CardOperation), how_many(CardOperationStep)) == (0, 0)


def test_the_journal_of_proofs_at_the_service_centre_is_removed_and_unlocks_are_not(clock):
    an_operation(clock(), kind="service-centre")
    an_operation(clock(), public_id="unlock", kind="unlock")
    tidy(clock.advance(hours=12, seconds=1))
    assert db.session.scalars(select(CardOperation.kind)).all() == ["unlock"]


def test_a_pc_that_was_only_seen_is_forgotten_and_one_with_a_story_is_not(clock):
    """Anybody can say hello with a new key: their rows must not grow for ever."""
    for name, columns in {
        "only seen": {},
        "decided": {"status": WorkstationStatus.BLOCKED, "decided_at": clock()},
        "signed in at": {},
    }.items():
        row = workstations.a_workstation(name, now=clock(), **columns)
    a_session(a_card(a_person()), workstation_id=row.id)
    tidy(clock.advance(days=30))
    assert how_many(Workstation) == 3
    tidy(clock.advance(seconds=1))
    assert set(db.session.scalars(select(Workstation.name))) == {"decided", "signed in at"}


def test_mail_is_kept_for_30_days_and_as_long_as_it_waits(clock):
    sent = outbox.queue("a@nhs.uk", "contact-details-changed", now=clock(), name="A", fields=[])
    outbox.queue("b@nhs.uk", "contact-details-changed", now=clock(), name="B", fields=[])
    sent.delivered_at = clock()
    db.session.commit()
    tidy(clock.advance(days=30, seconds=1))
    assert db.session.scalars(select(OutboxMessage.to)).all() == ["b@nhs.uk"]


def test_counts_of_yesterday_are_removed(clock):
    limits.count_try("k", limit=1, window=timedelta(hours=1), now=clock())
    tidy(clock.advance(hours=23))
    assert how_many(RateLimit) == 1
    tidy(clock.advance(hours=2))
    assert how_many(RateLimit) == 0


def test_the_audit_log_is_never_tidied(clock):
    audit.record("card.issued", outcome=Outcome.DONE, actor=None, now=clock())
    db.session.commit()
    tidy(clock.advance(days=10_000))
    assert how_many(AuditEvent) == 1


def test_the_answer_to_a_sign_in_is_forgotten_when_it_can_no_longer_be_asked_for(clock):
    operation = an_operation(clock(), kind="sign-in")
    operation.state, operation.finished_at = OperationState.DONE, clock()
    operation.sealed = b"a token"
    db.session.commit()
    tidy(clock.advance(minutes=2))
    assert operation.sealed == b"a token"
    tidy(clock.advance(seconds=1))
    db.session.refresh(operation)
    assert operation.sealed is None
