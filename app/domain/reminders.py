"""Reminders by mail that certificates expire: on which days before, once each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

DAYS = (90, 30, 7, 1)  # before the last day


@dataclass(frozen=True)
class Span:
    """The last days (both ends included) for which the reminder of ``days`` is the one to send."""

    days: int
    first: date
    last: date


def spans(today: date) -> Iterator[Span]:
    """Return what is due today, the most urgent first.

    Whoever was not reminded on the day itself (nothing ran, the card was suspended) is reminded
    later, but only of what is nearest: nobody gets several reminders at once.
    """
    nearer = -1
    for days in sorted(DAYS):
        yield Span(days, today + timedelta(days=nearer + 1), today + timedelta(days=days))
        nearer = days
