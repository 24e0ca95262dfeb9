"""PCs: enrolled, blocked, unblocked, found; and what that does to whoever works there."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.errors import NotAllowed, NotFound, TransitionRefused
from app.domain.roles import Role
from app.domain.statuses import Outcome, SessionEnd, WorkstationStatus
from app.extensions import db
from app.models import AuditEvent, BridgeConnection, Session
from app.services import sessions, workstations
from tests.parts.at_once import at_once
from tests.parts.people import a_card, a_person, a_principal, a_session, an_assignment
from tests.parts.workstations import a_workstation

pytestmark = pytest.mark.usefixtures("db_session")

S = WorkstationStatus


def a_connection(workstation, now):
    row = BridgeConnection(
        sid="s" * 43,
        browser="b" * 64,
        ek={},
        workstation_id=workstation.id,
        instance="i" * 43,
        origin="o",
        received_at=now,
        expires_at=now + timedelta(hours=12),
    )
    db.session.add(row)
    db.session.commit()
    return row


def events(name):
    return db.session.scalars(select(AuditEvent).where(AuditEvent.event == name)).all()


@pytest.fixture
def manager(clock):
    return a_principal(Role.RA_MANAGER, clock())


def test_a_pc_is_enrolled_by_the_key_that_was_seen(clock, manager):
    pc = a_workstation()
    row = workstations.enrol(pc.thumbprint, name="Ward 4", actor=manager, now=clock())
    assert (row.status, row.name) == (S.ENROLLED, "Ward 4")
    (event,) = events("workstation.enrolled")
    assert event.actor_person_id == manager.person_id
    assert event.facts["thumbprint"] == pc.thumbprint
    with pytest.raises(NotFound):
        workstations.enrol("u" * 43, name=None, actor=manager, now=clock())


@pytest.mark.parametrize("role", [None, *(each for each in Role if each is not Role.RA_MANAGER)])
def test_only_an_ra_manager_decides_about_pcs(clock, role):
    pc, actor = a_workstation(), a_principal(role, clock())
    for decide in (
        lambda: workstations.enrol(pc.thumbprint, name=None, actor=actor, now=clock()),
        lambda: workstations.block(pc.thumbprint, reason="x", actor=actor, now=clock()),
        lambda: workstations.unblock(pc.thumbprint, actor=actor, now=clock()),
    ):
        with pytest.raises(NotAllowed):
            decide()
    assert workstations.read(pc.thumbprint).status is S.SEEN


def test_blocking_ends_the_sessions_there_and_no_others(clock, manager):
    pc, other = a_workstation(status=S.ENROLLED), a_workstation("PC-2")
    here = a_session(a_card(a_person()), workstation_id=pc.id)
    elsewhere = a_session(a_card(a_person()), workstation_id=other.id)
    connection = a_connection(pc, clock())
    workstations.block(pc.thumbprint, reason="Stolen", actor=manager, now=clock())
    assert sessions.load(here, clock()) is None
    assert sessions.end_reason(here) is SessionEnd.WORKSTATION_BLOCKED
    assert sessions.load(elsewhere, clock()) is not None
    db.session.refresh(connection)
    assert connection.expires_at == clock()
    (event,) = events("workstation.blocked")
    assert event.facts["reason"] == "Stolen"
    details = workstations.read(pc.thumbprint)
    assert (details.status, details.reason, details.open_sessions) == (S.BLOCKED, "Stolen", 0)
    assert details.decided_by == "Ada Lovelace"


def test_an_unblocked_pc_has_to_be_enrolled_again(clock, manager):
    pc = a_workstation(status=S.BLOCKED, reason="Stolen")
    workstations.unblock(pc.thumbprint, actor=manager, now=clock())
    details = workstations.read(pc.thumbprint)
    assert (details.status, details.reason) == (S.SEEN, None)


def test_what_the_table_does_not_have_changes_nothing(clock, manager):
    pc = a_workstation(status=S.BLOCKED)
    with pytest.raises(TransitionRefused):
        workstations.enrol(pc.thumbprint, name="Ward 4", actor=manager, now=clock())
    db.session.rollback()
    assert workstations.read(pc.thumbprint).status is S.BLOCKED
    assert not events("workstation.enrolled")


def test_of_two_managers_at_once_one_decides(app, clock):
    thumbprint = a_workstation(status=S.ENROLLED).thumbprint
    db.session.remove()
    done = at_once(
        app, 6, lambda: workstations.block(thumbprint, reason="x", actor=None, now=clock()).id
    )
    assert sum(isinstance(each, int) for each in done) == 1
    assert sum(isinstance(each, TransitionRefused) for each in done) == 5
    assert len(events("workstation.blocked")) == 1


# Finding one


def names(**asked):
    return [row.name for row in workstations.page(**asked).rows]


def test_pcs_are_listed_by_when_they_were_seen_last_page_after_page(clock):
    for number in range(7):
        seen = clock() + timedelta(seconds=number // 2)  # some at the very same moment
        a_workstation(f"PC-{number}", last_seen_at=seen)
    found, after = [], None
    while True:
        page = workstations.page(after=after, limit=3)
        found += [row.name for row in page.rows]
        after = page.further
        if after is None:
            break
    assert found == [f"PC-{number}" for number in reversed(range(7))]


@pytest.mark.parametrize("after", ["", "x", "1", "1.", ".1", "٣.٤", "9" * 40 + ".1", "1.9" * 9])
def test_a_place_that_is_none_begins_at_the_beginning_or_finds_nothing(clock, after):
    a_workstation()
    assert names(after=after) in (["PC-1"], [])


def test_a_pc_is_found_by_the_beginning_of_its_name_or_thumbprint(clock):
    pc = a_workstation("Wárd-4 PC")
    a_workstation("Other ward")
    for search in ("ward", "WARD 4", " wárd-4 pc ", pc.thumbprint[:6], pc.thumbprint):
        assert names(search=search) == ["Wárd-4 PC"], search
    assert names(search="pc") == []
    assert names(search="%") == []
    assert names(search=pc.thumbprint[:6].swapcase() + "x") == []


def test_pcs_can_be_narrowed_to_a_state(clock):
    for status in S:
        a_workstation(status.value, status=status)
    assert names(status=S.BLOCKED) == ["blocked"]
    assert names(status=S.SEEN, search="blocked") == []


def test_the_role_shown_is_that_of_whoever_signed_in_there_last(clock):
    pc = a_workstation()
    assert workstations.read(pc.thumbprint).signed_in_at is None
    person = a_person()
    held = an_assignment(person, Role.SPONSOR)
    a_session(a_card(person), workstation_id=pc.id, assignment_id=held.id)
    assert workstations.read(pc.thumbprint).role is Role.SPONSOR
    a_session(a_card(a_person()), clock.advance(minutes=1), workstation_id=pc.id)
    details = workstations.read(pc.thumbprint)
    assert (details.role, details.signed_in_at) == (None, clock())
    assert details.open_sessions == 2


def test_a_page_is_one_question_however_many_pcs_it_shows(clock, count_queries):
    for number in range(10):
        pc = a_workstation(f"PC-{number}")
        a_session(a_card(a_person()), workstation_id=pc.id)
    with count_queries() as queries:
        workstations.page()
    assert len([each for each in queries if each.startswith("SELECT")]) == 1


def test_nobody_reads_of_a_pc_that_was_never_seen(clock):
    with pytest.raises(NotFound):
        workstations.read("u" * 43)


def test_a_name_that_folds_to_more_than_its_column_holds_is_kept(clock):
    pc = a_workstation("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 100)
    assert len(workstations.read(pc.thumbprint).name) == 100


def test_every_decision_is_told_as_done(clock, manager):
    pc = a_workstation()
    workstations.enrol(pc.thumbprint, name=None, actor=manager, now=clock())
    workstations.block(pc.thumbprint, reason="x", actor=manager, now=clock())
    workstations.unblock(pc.thumbprint, actor=manager, now=clock())
    told = db.session.scalars(
        select(AuditEvent.outcome).where(AuditEvent.event.like("workstation.%"))
    ).all()
    assert told == [Outcome.DONE] * 3
    assert db.session.scalars(select(Session)).all()
