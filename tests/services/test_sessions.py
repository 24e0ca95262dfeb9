"""Sessions: how long they last, and every way in which they end."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.domain.card_lifecycle import CardEvent
from app.domain.errors import NotFound
from app.domain.roles import Role
from app.domain.statuses import OperationState, PersonStatus, SessionEnd
from app.extensions import db
from app.models import AuditEvent, CardOperation, Session
from app.services import sessions
from tests.parts.at_once import at_once
from tests.parts.people import (
    a_card,
    a_person,
    a_principal,
    a_session,
    an_assignment,
    an_organisation,
)

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def card():
    return a_card(a_person())


def present(token: str, now) -> None:
    """The card has just proved that it is in the reader."""
    row = db.session.scalar(select(Session).where(Session.token_digest == sessions._digest(token)))
    row.last_presence_at = now
    db.session.commit()


def test_a_session_says_who_with_which_card_in_which_role(clock):
    person = a_person(given_name="Grace", family_name="Hopper")
    trust = an_organisation(code="RW4", name="Mersey Trust")
    assignment = an_assignment(person, Role.SPONSOR, organisation=trust)
    card = a_card(person)
    principal = sessions.load(a_session(card, assignment_id=assignment.id), clock())
    assert principal.name == "Grace Hopper"
    assert principal.card_guid == card.guid
    assert principal.role is Role.SPONSOR
    assert principal.organisation_code == "RW4"
    assert principal.ends_at == clock() + timedelta(minutes=15)


def test_a_person_without_a_position_acts_as_card_holder(card, clock):
    principal = sessions.load(a_session(card), clock())
    assert principal.role is None
    assert principal.organisation_id is None


def test_the_database_never_has_the_token(card):
    token = a_session(card)
    row = db.session.scalar(select(Session))
    assert token not in {getattr(row, c.name) for c in Session.__table__.columns}


def test_a_token_that_was_never_given_out_is_nobody(clock):
    assert sessions.load("no such token", clock()) is None


@pytest.mark.parametrize(
    ("minutes", "seconds", "lasts"), [(14, 59, True), (15, 0, False), (16, 0, False)]
)
def test_a_session_ends_after_15_idle_minutes(card, clock, minutes, seconds, lasts):
    token = a_session(card)
    now = clock.advance(minutes=minutes, seconds=seconds)
    present(token, now)
    assert (sessions.load(token, now) is not None) is lasts


def test_what_a_page_does_by_itself_keeps_nobody_signed_in(card, clock):
    token = a_session(card)
    for _ in range(15):
        present(token, clock.advance(minutes=1))
        sessions.load(token, clock(), active=False)
    assert sessions.load(token, clock()) is None
    assert sessions.end_reason(token) is SessionEnd.IDLE


def test_activity_keeps_a_session_but_not_beyond_12_hours(card, clock):
    token = a_session(card)
    for _ in range(12 * 6 - 1):
        present(token, clock.advance(minutes=10))
        assert sessions.load(token, clock()) is not None
    present(token, clock.advance(minutes=10))
    assert sessions.load(token, clock()) is None
    assert sessions.end_reason(token) is SessionEnd.TOTAL


@pytest.mark.parametrize(("seconds", "lasts"), [(149, True), (150, False)])
def test_a_session_ends_150_seconds_after_the_last_proof_of_presence(card, clock, seconds, lasts):
    token = a_session(card)
    assert (sessions.load(token, clock.advance(seconds=seconds)) is not None) is lasts


def an_operation(session_id: int, kind: str, now, card) -> None:
    """One that the session has just begun, of which the card has said nothing yet."""
    db.session.add(
        CardOperation(
            public_id=str(uuid4()),
            kind=kind,
            state=OperationState.OPEN,
            step="R2",
            card_id=card.id,
            session_id=session_id,
            browser="b",
            started_at=now,
            updated_at=now,
        )
    )
    db.session.commit()


@pytest.mark.parametrize(("kind", "counts"), [("renew", True), ("presence", False)])
def test_a_running_card_operation_puts_the_proof_of_presence_off_but_no_mere_question(
    card, clock, kind, counts
):
    token = a_session(card)
    principal = sessions.load(token, clock())
    an_operation(principal.session_id, kind, clock.advance(minutes=2), card)
    assert (sessions.load(token, clock.advance(minutes=2)) is not None) is counts
    assert sessions.load(token, clock.advance(minutes=1)) is None


def test_an_operation_with_another_card_puts_nothing_off(card, clock):
    """An agent works on a user's card in the second reader; their own is free to prove itself."""
    token = a_session(card)
    principal = sessions.load(token, clock())
    another = a_card(a_person())
    an_operation(principal.session_id, "renew", clock.advance(minutes=2), another)
    assert sessions.load(token, clock.advance(minutes=2)) is None


def test_operations_begun_one_after_the_other_keep_nobody_signed_in_without_the_card(card, clock):
    token = a_session(card)
    principal = sessions.load(token, clock())
    for _ in range(3):
        an_operation(principal.session_id, "change-passcode", clock.advance(minutes=2), card)
    assert sessions.load(token, clock()) is None
    assert sessions.end_reason(token) is SessionEnd.PRESENCE_LOST


def test_a_card_put_in_again_ends_its_older_sessions_and_that_is_recorded(card, clock):
    older = a_session(card, seat="first seat")
    newer = a_session(card, seat="second seat")
    assert sessions.load(older, clock()) is None
    assert sessions.load(newer, clock()) is not None
    events = db.session.scalars(select(AuditEvent).where(AuditEvent.event == "session.ended"))
    assert [each.facts for each in events] == [{"reason": "card-removed"}]


def test_last_seen_moves_at_most_once_a_minute(card, clock):
    token = a_session(card)
    for seconds, moved in [(59, False), (1, True), (59, False)]:
        before = db.session.scalar(select(Session.last_seen_at))
        sessions.load(token, clock.advance(seconds=seconds))
        assert (db.session.scalar(select(Session.last_seen_at)) != before) is moved


def test_a_session_ends_once_and_is_recorded_once(card, clock):
    token = a_session(card)
    principal = sessions.load(token, clock())
    assert sessions.end(principal.session_id, SessionEnd.SIGNED_OUT, clock())
    assert not sessions.end(principal.session_id, SessionEnd.IDLE, clock())
    assert sessions.load(token, clock()) is None
    assert sessions.end_reason(token) is SessionEnd.SIGNED_OUT
    events = db.session.scalars(select(AuditEvent)).all()
    assert [(each.event, each.facts) for each in events] == [
        ("session.ended", {"reason": "signed-out"})
    ]


def test_of_many_that_end_a_session_at_once_one_does(app, card, clock):
    principal = sessions.load(a_session(card), clock())
    done = at_once(
        app, 6, lambda: sessions.end(principal.session_id, SessionEnd.SIGNED_OUT, clock())
    )
    assert sorted(done) == [False] * 5 + [True]
    db.session.rollback()
    assert db.session.scalar(select(func.count(AuditEvent.id))) == 1


def test_all_sessions_of_a_card_end_with_the_action_that_ends_them(card, clock):
    tokens = [a_session(card), a_session(card)]
    other = a_session(a_card(a_person()))
    assert sessions.end_all_of_card(card.id, SessionEnd.CARD_CANCELLED, clock()) == 2
    db.session.rollback()
    assert sessions.load(tokens[0], clock()) is not None
    assert sessions.end_all_of_card(card.id, SessionEnd.CARD_CANCELLED, clock()) == 2
    db.session.commit()
    assert [sessions.load(token, clock()) for token in tokens] == [None, None]
    assert sessions.load(other, clock()) is not None


def test_all_sessions_of_a_person_end_at_once(card, clock):
    token = a_session(card)
    assert sessions.end_all_of_person(card.person_id, SessionEnd.ACCOUNT_CLOSED, clock()) == 1
    db.session.commit()
    assert sessions.load(token, clock()) is None


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (CardEvent.CANCEL, SessionEnd.CARD_CANCELLED),
        (CardEvent.SUSPEND, SessionEnd.CARD_SUSPENDED),
    ],
)
def test_a_card_that_is_good_no_more_signs_nobody_in(card, clock, event, reason):
    token = a_session(card)
    card.apply(event, now=clock())
    db.session.commit()
    assert sessions.load(token, clock()) is None
    assert sessions.end_reason(token) is reason


def test_a_closed_account_signs_nobody_in(card, clock):
    token = a_session(card)
    card.person.status = PersonStatus.CLOSED
    db.session.commit()
    assert sessions.load(token, clock()) is None
    assert sessions.end_reason(token) is SessionEnd.ACCOUNT_CLOSED


def test_certificates_that_expire_end_the_session(card, clock):
    clock.set(datetime(2026, 3, 4, 23, 58, 30, tzinfo=UTC))
    card.expires_on = clock().date()
    token = a_session(card, clock())
    assert sessions.load(token, clock.advance(seconds=89)) is not None
    assert sessions.load(token, clock.advance(seconds=1)) is None
    assert sessions.end_reason(token) is SessionEnd.CARD_EXPIRED


def test_a_card_that_signs_in_at_another_pc_leaves_no_session_behind(card, clock):
    old = a_session(card, bridge_instance="bridge-1")
    a_session(card, bridge_instance="bridge-2")
    assert sessions.load(old, clock()) is None
    assert sessions.end_reason(old) is SessionEnd.REPLACED


def test_a_card_that_was_put_in_again_leaves_no_older_session(card, clock):
    old = a_session(card, seat="seat-1")
    new = a_session(card, seat="seat-2")
    assert sessions.load(old, clock()) is None
    assert sessions.end_reason(old) is SessionEnd.CARD_REMOVED
    assert sessions.load(new, clock()) is not None


def test_a_position_that_ends_takes_its_role_along(card, clock):
    today = clock().date()
    assignment = an_assignment(card.person, Role.RA_AGENT, end=today)
    token = a_session(card, assignment_id=assignment.id)
    assert sessions.load(token, clock()).role is Role.RA_AGENT
    assignment.end = today - timedelta(days=1)
    db.session.commit()
    assert sessions.load(token, clock()).role is None


def test_the_role_changes_without_signing_out(card, clock):
    sponsor = an_assignment(card.person, Role.SPONSOR)
    agent = an_assignment(card.person, Role.RA_AGENT)
    token = a_session(card, assignment_id=sponsor.id)
    sessions.change_role(sessions.load(token, clock()), agent.id, now=clock())
    assert sessions.load(token, clock()).role is Role.RA_AGENT


@pytest.mark.parametrize("whose", ["another person's", "past", "future"])
def test_nobody_acts_in_a_position_that_is_not_theirs_today(card, clock, whose):
    today = clock().date()
    someone = a_person() if whose == "another person's" else card.person
    dates = {
        "another person's": {},
        "past": {"end": today - timedelta(days=1)},
        "future": {"start": today + timedelta(days=1)},
    }[whose]
    wanted = an_assignment(someone, Role.RA_MANAGER, **dates)
    principal = sessions.load(a_session(card), clock())
    with pytest.raises(NotFound):
        sessions.change_role(principal, wanted.id, now=clock())


def test_the_picker_lists_the_positions_of_today(card, clock):
    today = clock().date()
    first = an_assignment(card.person, start=today)
    last = an_assignment(card.person, end=today)
    an_assignment(card.person, start=today + timedelta(days=1))
    an_assignment(card.person, end=today - timedelta(days=1))
    listed = sessions.current_assignments(card.person_id, now=clock())
    assert {each.id for each in listed} == {first.id, last.id}


def test_loading_a_session_is_one_query(clock, count_queries):
    principal = a_principal(Role.RA_AGENT)
    token = a_session(a_card(a_person()))
    assert principal.role is Role.RA_AGENT
    with count_queries() as queries:
        sessions.load(token, clock())
    assert len(queries) == 1


def test_nothing_but_an_end_is_written_for_a_session(card, clock):
    sessions.load(a_session(card), clock())
    assert db.session.scalar(select(func.count(AuditEvent.id))) == 0
