"""Counting tries: none is lost, and none is judged before it is counted."""

from datetime import timedelta

import pytest

from app.domain.errors import RateLimited
from app.extensions import db
from app.services import limits
from tests.parts.at_once import at_once

pytestmark = pytest.mark.usefixtures("db_session")

MINUTE = timedelta(minutes=1)


def test_a_try_beyond_the_limit_is_refused_with_the_seconds_to_wait(clock):
    left = [limits.count_try("k", limit=3, window=MINUTE, now=clock()) for _ in range(3)]
    assert left == [2, 1, 0]
    with pytest.raises(RateLimited) as error:
        limits.count_try("k", limit=3, window=MINUTE, now=clock.advance(seconds=20.5))
    assert error.value.retry_after == 40


def test_a_new_window_begins_when_the_old_one_has_passed(clock):
    limits.count_try("k", limit=1, window=MINUTE, now=clock())
    with pytest.raises(RateLimited) as error:
        limits.count_try("k", limit=1, window=MINUTE, now=clock.advance(seconds=59.9))
    assert error.value.retry_after == 1
    assert limits.count_try("k", limit=1, window=MINUTE, now=clock.advance(seconds=0.1)) == 0


def test_keys_are_counted_apart(clock):
    limits.count_try("k", limit=1, window=MINUTE, now=clock())
    assert limits.count_try("other", limit=1, window=MINUTE, now=clock()) == 0


def test_a_refused_try_stays_counted_whatever_happens_to_the_action(clock):
    limits.count_try("k", limit=1, window=MINUTE, now=clock())
    db.session.rollback()
    with pytest.raises(RateLimited):
        limits.count_try("k", limit=1, window=MINUTE, now=clock())


def test_a_success_forgets_the_tries(clock):
    limits.count_try("k", limit=1, window=MINUTE, now=clock())
    limits.forget("k")
    db.session.commit()
    assert limits.count_try("k", limit=1, window=MINUTE, now=clock()) == 0


def test_of_many_tries_at_once_exactly_the_limit_passes(app, clock):
    done = at_once(app, 12, lambda: limits.count_try("k", limit=5, window=MINUTE, now=clock()))
    assert sorted(each for each in done if isinstance(each, int)) == [0, 1, 2, 3, 4]
    assert sum(isinstance(each, RateLimited) for each in done) == 7
