"""Which page brings the next proof of presence, and how long the last one holds."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.statuses import SessionEnd
from app.extensions import db
from app.models import Session
from app.services import sessions
from tests.parts.at_once import at_once
from tests.parts.people import a_card, a_person, a_session

pytestmark = pytest.mark.usefixtures("db_session")

TABS = 6


@pytest.fixture
def token() -> str:
    return a_session(a_card(a_person()))


@pytest.fixture
def session_id(token, clock) -> int:
    principal = sessions.load(token, clock())
    assert principal is not None
    return principal.session_id


def test_of_many_tabs_that_hear_the_same_tick_one_brings_the_proof(app, session_id, clock):
    now = clock.advance(seconds=60)
    taken = at_once(app, TABS, lambda: sessions.take_presence(session_id, now))
    assert sorted(taken) == [False] * (TABS - 1) + [True]


@pytest.mark.parametrize(("seconds", "due"), [(49, False), (50, True)])
def test_no_proof_is_asked_for_while_the_last_is_young(session_id, clock, seconds, due):
    assert sessions.take_presence(session_id, clock.advance(seconds=seconds)) is due


def test_a_proof_may_be_asked_for_at_once_but_by_one_alone(session_id, clock):
    assert sessions.take_presence(session_id, clock(), at_once=True)
    assert not sessions.take_presence(session_id, clock(), at_once=True)


@pytest.mark.parametrize(("seconds", "again"), [(14, False), (15, True)])
def test_a_tab_that_was_asked_and_died_is_replaced(session_id, clock, seconds, again):
    assert sessions.take_presence(session_id, clock.advance(seconds=60))
    assert sessions.take_presence(session_id, clock.advance(seconds=seconds)) is again


def test_a_session_that_is_over_is_asked_for_nothing(session_id, clock):
    sessions.end(session_id, SessionEnd.SIGNED_OUT, clock())
    assert not sessions.take_presence(session_id, clock.advance(seconds=60))


@pytest.mark.parametrize(("seconds", "lasts"), [(239, True), (240, False)])
def test_a_session_waits_3_minutes_for_a_card_that_is_busy(token, clock, seconds, lasts):
    db.session.scalars(select(Session)).one().busy_since = clock() + timedelta(seconds=60)
    db.session.commit()
    assert (sessions.load(token, clock.advance(seconds=seconds)) is not None) is lasts


def test_limits_are_the_settings(app, token, clock):
    app.config["SESSION_SECONDS"] = {"presence": 6}
    assert sessions.load(token, clock.advance(seconds=5)) is not None
    assert sessions.load(token, clock.advance(seconds=1)) is None
