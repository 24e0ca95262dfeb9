"""How long a session lasts: while its person is active and its card is in the reader."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.statuses import SessionEnd

IDLE = timedelta(minutes=15)
IDLE_WARNING = timedelta(minutes=2)  # before the idle end
TOTAL = timedelta(hours=12)
PRESENCE = timedelta(seconds=150)  # after the last proof that the card is in the reader
WORKING = timedelta(minutes=5)  # the same, while a card operation of the session runs
SEEN_EVERY = timedelta(minutes=1)  # how exactly "last seen" is kept


@dataclass(frozen=True, kw_only=True)
class SessionTimes:
    """The moments of one session, and what follows from them.

    Each limit is the first moment at which the session is over. ``busy`` says that a card
    operation runs: the card may be too busy for a proof, but not for ever.
    """

    started_at: datetime
    last_seen_at: datetime
    last_presence_at: datetime
    busy: bool = False

    @property
    def idle_ends_at(self) -> datetime:
        return self.last_seen_at + IDLE

    @property
    def warns_at(self) -> datetime:
        return self.idle_ends_at - IDLE_WARNING

    @property
    def total_ends_at(self) -> datetime:
        return self.started_at + TOTAL

    @property
    def presence_ends_at(self) -> datetime:
        return self.last_presence_at + (WORKING if self.busy else PRESENCE)

    def over(self, now: datetime) -> SessionEnd | None:
        """Return why the session is over at ``now``, or None while it lasts."""
        if now >= self.total_ends_at:
            return SessionEnd.TOTAL
        if now >= self.presence_ends_at:
            return SessionEnd.PRESENCE_LOST
        if now >= self.idle_ends_at:
            return SessionEnd.IDLE
        return None

    def should_be_seen(self, now: datetime) -> bool:
        """Say whether ``now`` is worth a write: "last seen" moves at most once a minute."""
        return now - self.last_seen_at >= SEEN_EVERY
