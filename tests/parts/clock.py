"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)  # a Monday; London is on UTC


class FrozenClock:
    """The application's clock: `clock()` is now, `clock.advance(minutes=5)` is later."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def set(self, now: datetime) -> datetime:
        assert now.tzinfo is not None, "a naive moment"
        self.now = now.astimezone(UTC)
        return self.now

    def advance(self, **span: float) -> datetime:
        """Move on by what `timedelta` takes: days, hours, minutes, seconds."""
        return self.set(self.now + timedelta(**span))
