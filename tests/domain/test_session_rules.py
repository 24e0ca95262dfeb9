"""How long a session lasts, to the second."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.session_rules import LIMITS, SessionLimits, SessionTimes
from app.domain.statuses import SessionEnd

T0 = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # the night in which London's clocks go forward
SECOND = timedelta(seconds=1)


def times(**changed) -> SessionTimes:
    return SessionTimes(**{"started_at": T0, "last_seen_at": T0, "last_presence_at": T0, **changed})


@pytest.mark.parametrize(
    ("after", "over"),
    [
        (timedelta(minutes=15) - SECOND, None),
        (timedelta(minutes=15), SessionEnd.IDLE),
        (timedelta(minutes=15) + SECOND, SessionEnd.IDLE),
    ],
)
def test_it_ends_after_15_idle_minutes(after, over):
    assert times(last_presence_at=T0 + after).over(T0 + after) is over


def test_it_warns_2_minutes_before_it_ends_idle():
    assert times().warns_at == T0 + timedelta(minutes=13)


@pytest.mark.parametrize(
    ("after", "over"),
    [
        (timedelta(hours=12) - SECOND, None),
        (timedelta(hours=12), SessionEnd.TOTAL),
    ],
)
def test_it_ends_after_12_hours_in_any_case(after, over):
    now = T0 + after
    assert times(last_seen_at=now, last_presence_at=now, working=True).over(now) is over


@pytest.mark.parametrize(
    ("after", "over"),
    [
        (timedelta(seconds=149), None),
        (timedelta(seconds=150), SessionEnd.PRESENCE_LOST),
    ],
)
def test_it_ends_150_seconds_after_the_last_proof_of_presence(after, over):
    assert times().over(T0 + after) is over


@pytest.mark.parametrize(
    ("after", "over"),
    [
        (timedelta(seconds=299), None),
        (timedelta(minutes=5), SessionEnd.PRESENCE_LOST),
    ],
)
def test_a_running_operation_puts_the_next_proof_off_but_not_beyond_5_minutes(after, over):
    assert times(working=True).over(T0 + after) is over


@pytest.mark.parametrize(
    ("since", "after", "over"),
    [
        (60, 239, None),
        (60, 240, SessionEnd.PRESENCE_LOST),
        (149, 328, None),
        (149, 329, SessionEnd.PRESENCE_LOST),
        (-60, 149, None),
        (-60, 150, SessionEnd.PRESENCE_LOST),
    ],
)
def test_a_card_in_another_programs_hands_is_waited_for_3_minutes(since, after, over):
    busy = times(busy_since=T0 + timedelta(seconds=since))
    assert busy.over(T0 + timedelta(seconds=after)) is over


def test_two_ticks_a_minute_apart_fall_into_the_time_in_which_a_proof_is_due():
    due, takes = LIMITS.proof_due, LIMITS.proof_takes
    assert due < timedelta(seconds=60)
    assert due + timedelta(seconds=60) + takes < LIMITS.presence


def test_limits_can_be_set_one_by_one():
    limits = SessionLimits.of_seconds(presence=6, idle=30)
    assert limits.presence == timedelta(seconds=6)
    assert limits.seen_every == timedelta(seconds=2)
    assert limits.total == LIMITS.total


@pytest.mark.parametrize(("seconds", "worth"), [(59, False), (60, True), (61, True)])
def test_last_seen_is_kept_to_the_minute(seconds, worth):
    assert times().should_be_seen(T0 + timedelta(seconds=seconds)) is worth


@pytest.mark.parametrize(
    ("expires_on", "after", "working", "over"),
    [
        (T0.date(), timedelta(0), False, False),
        (T0.date(), timedelta(days=1), False, True),
        (T0.date(), timedelta(days=1), True, False),
        (T0.date() + timedelta(days=1), timedelta(days=1), False, False),
        (T0.date() - timedelta(days=1), timedelta(0), False, False),  # signed in half renewed
        (None, timedelta(days=1), False, False),
    ],
)
def test_a_session_outlives_no_certificates_that_were_good_when_it_began(
    expires_on, after, working, over
):
    assert times(working=working).outlives(expires_on, T0 + after) is over
