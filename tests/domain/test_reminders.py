"""On which days reminders are due."""

from datetime import date, timedelta

import pytest

from app.domain.reminders import spans

TODAY = date(2026, 3, 1)


def due(days_left: int) -> int | None:
    last = TODAY + timedelta(days=days_left)
    found = [span.days for span in spans(TODAY) if span.first <= last <= span.last]
    assert len(found) <= 1, "nobody gets two reminders at once"
    return found[0] if found else None


@pytest.mark.parametrize(
    ("days_left", "reminder"),
    [
        (91, None), (90, 90), (89, 90), (31, 90), (30, 30), (29, 30), (8, 30),
        (7, 7), (2, 7), (1, 1), (0, 1), (-1, None),
    ],
)  # fmt: skip
def test_the_nearest_reminder_that_has_come_is_the_one_to_send(days_left, reminder):
    assert due(days_left) == reminder
