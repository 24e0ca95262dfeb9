"""How long a session lasts: while its person is active and its card is in the reader."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.days import day_of
from app.domain.statuses import SessionEnd


@dataclass(frozen=True, kw_only=True)
class SessionLimits:
    """How long everything about a session may take.

    ``presence`` holds after a proof that the card is in the reader. ``busy`` holds after the first
    time since then that the reader bridge saw the card in another program's hands.
    ``operation`` is the same as ``presence`` while a card operation of the session runs.
    """

    idle: timedelta = timedelta(minutes=15)
    idle_warning: timedelta = timedelta(minutes=2)  # before the idle end
    total: timedelta = timedelta(hours=12)
    presence: timedelta = timedelta(seconds=150)
    busy: timedelta = timedelta(minutes=3)
    operation: timedelta = timedelta(minutes=5)

    @classmethod
    def of_seconds(cls, **seconds: float) -> "SessionLimits":
        """The usual limits, apart from those named."""
        return cls(**{name: timedelta(seconds=value) for name, value in seconds.items()})

    @property
    def seen_every(self) -> timedelta:
        """How exactly "last seen" is kept: to the minute."""
        return self.idle / 15

    @property
    def proof_due(self) -> timedelta:
        """After a proof, when the next may be asked for: a tick a minute brings two in time."""
        return self.presence / 3

    @property
    def proof_takes(self) -> timedelta:
        """How long one page is waited for, before another is asked for the proof."""
        return self.presence / 10

    @property
    def longest_without_proof(self) -> timedelta:
        """After the last proof, when nothing can have kept a session any longer."""
        return self.busy + max(self.presence, self.operation)


LIMITS = SessionLimits()


@dataclass(frozen=True, kw_only=True)
class SessionTimes:
    """The moments of one session, and what follows from them.

    Each limit is the first moment at which the session is over. ``working`` says that a card
    operation runs: the card may be too busy for a proof, but not for ever. ``busy_since`` is when
    the bridge first saw the card in use by another program after the last proof, or None.
    """

    started_at: datetime
    last_seen_at: datetime
    last_presence_at: datetime
    busy_since: datetime | None = None
    working: bool = False
    limits: SessionLimits = LIMITS

    @property
    def idle_ends_at(self) -> datetime:
        return self.last_seen_at + self.limits.idle

    @property
    def warns_at(self) -> datetime:
        return self.idle_ends_at - self.limits.idle_warning

    @property
    def total_ends_at(self) -> datetime:
        return self.started_at + self.limits.total

    @property
    def presence_ends_at(self) -> datetime:
        ends = self.last_presence_at + self.limits.presence
        if self.busy_since is not None:
            ends = max(ends, self.busy_since + self.limits.busy)
        if self.working:
            ends = max(ends, self.last_presence_at + self.limits.operation)
        return ends

    def over(self, now: datetime) -> SessionEnd | None:
        """Return why the session is over at ``now``, or None while it lasts."""
        if now >= self.total_ends_at:
            return SessionEnd.TOTAL
        if now >= self.presence_ends_at:
            return SessionEnd.PRESENCE_LOST
        if now >= self.idle_ends_at:
            return SessionEnd.IDLE
        return None

    def outlives(self, expires_on: date | None, now: datetime) -> bool:
        """Say whether the card's certificates expired during the session.

        Not while a card operation runs: it ends, or goes on at the next sign-in. A card whose
        renewal is half done signs in after the last day of its old certificates.
        """
        if expires_on is None or self.working:
            return False
        return day_of(self.started_at) <= expires_on < day_of(now)

    def should_be_seen(self, now: datetime) -> bool:
        """Say whether ``now`` is worth a write: "last seen" moves at most once a minute."""
        return now - self.last_seen_at >= self.limits.seen_every
