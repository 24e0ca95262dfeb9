"""When the terms have to be accepted again."""

from datetime import UTC, date, datetime

import pytest

from app.domain.terms_rule import TermsDue, months_after, terms_due

ACCEPTED = datetime(2026, 3, 10, 9, tzinfo=UTC)


def due(*, now: datetime, current: int = 2, accepted: int | None = 2, at: datetime | None = None):
    return terms_due(
        current_version=current,
        accepted_version=accepted,
        accepted_at=(at or ACCEPTED) if accepted else None,
        now=now,
    )


def test_who_never_accepted_any_has_to():
    assert due(now=ACCEPTED, accepted=None) is TermsDue.FIRST


def test_a_new_version_has_to_be_accepted_at_once():
    assert due(now=ACCEPTED, current=3) is TermsDue.NEW_VERSION


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2027, 3, 10, 23, 59, 59, tzinfo=UTC), None),
        (datetime(2027, 3, 11, 0, 0, tzinfo=UTC), TermsDue.TOO_LONG_AGO),
    ],
)
def test_an_acceptance_holds_through_the_same_day_12_months_later(now, expected):
    assert due(now=now) is expected


def test_the_day_is_london_s():
    late = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)  # already 2 June in London
    assert due(now=datetime(2027, 6, 2, 22, 59, tzinfo=UTC), at=late) is None
    assert due(now=datetime(2027, 6, 2, 23, 0, tzinfo=UTC), at=late) is TermsDue.TOO_LONG_AGO


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2023, 2, 28), date(2024, 2, 28)),
        (date(2026, 12, 31), date(2027, 12, 31)),
        (date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_12_months_end_on_the_same_day_or_the_month_s_last(day, later):
    assert months_after(day, 12) == later
