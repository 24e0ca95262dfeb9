"""Days and moments: the service's days are London's, whatever the clock of the server says."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
LAST_SECOND = time(23, 59, 59)


def day_of(moment: datetime) -> date:
    """Return the day in London on which ``moment`` falls.

    Raises:
        ValueError: ``moment`` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a naive moment has no day")
    return moment.astimezone(LONDON).date()


def end_of(day: date) -> datetime:
    """Return 23:59:59 of a day in London, in UTC: the ``notAfter`` of a card that expires on it."""
    return datetime.combine(day, LAST_SECOND, LONDON).astimezone(UTC)


def start_of(day: date) -> datetime:
    """Return 00:00 of a day in London, in UTC."""
    return datetime.combine(day, time.min, LONDON).astimezone(UTC)
