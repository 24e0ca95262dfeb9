"""Sessions: who is signed in, with which card, in which role."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.statuses import SessionEnd
from app.models.base import Base, UtcDateTime, one_of

_RUNNING = text("ended_at IS NULL")


class Session(Base):
    """One signed-in browser. The cookie has a random token; the row has only its SHA-256."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    card_id: Mapped[int] = mapped_column(ForeignKey("card.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    guid: Mapped[str] = mapped_column(String(32))
    seat: Mapped[str] = mapped_column(String(64))
    bridge_instance: Mapped[str] = mapped_column(String(64))
    workstation_id: Mapped[int | None] = mapped_column(ForeignKey("workstation.id"))
    browser: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_presence_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Since the last proof: when a page was last asked for another, and when the bridge first said
    # that another program has the card
    presence_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    busy_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[SessionEnd | None] = mapped_column(one_of(SessionEnd, "end_reason"))

    __table_args__ = (
        Index(None, "workstation_id", "started_at"),
        Index(
            "ix_session_running_card",
            "card_id",
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
        Index(
            "ix_session_running_person",
            "person_id",
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
    )

    def __repr__(self) -> str:
        return f"<Session {self.id}>"
