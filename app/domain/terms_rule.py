"""When somebody has to accept the terms and conditions again."""

from calendar import monthrange
from datetime import date, datetime
from enum import StrEnum

from app.domain.days import day_of

MONTHS = 12


class TermsDue(StrEnum):
    FIRST = "first"  # never accepted any
    NEW_VERSION = "new-version"
    TOO_LONG_AGO = "too-long-ago"


def terms_due(
    *,
    current_version: int,
    accepted_version: int | None,
    accepted_at: datetime | None,
    now: datetime,
) -> TermsDue | None:
    """Return why the terms are due, or None.

    The last acceptance holds through the same day 12 months later, in London; they are due the
    day after.
    """
    if accepted_version is None or accepted_at is None:
        return TermsDue.FIRST
    if accepted_version < current_version:
        return TermsDue.NEW_VERSION
    if day_of(now) > months_after(day_of(accepted_at), MONTHS):
        return TermsDue.TOO_LONG_AGO
    return None


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or that month's last where it has no such day."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
