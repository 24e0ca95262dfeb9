"""Mail that is to leave: written in the transaction of the action that it tells of."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime

_WAITING = text("delivered_at IS NULL AND failed_at IS NULL")
_URGENT = text("until IS NOT NULL AND delivered_at IS NULL AND failed_at IS NULL")
_FAILED = text("failed_at IS NOT NULL")


class OutboxMessage(Base):
    """One message. ``failed_at`` is set when it has been given up.

    A message with a secret has a ``ref``; its texts are in ``bodies_sealed`` alone, and only until
    it has left or was given up. ``until`` makes it urgent: after that it is of no more use.
    """

    __tablename__ = "outbox_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    to: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    template: Mapped[str] = mapped_column(String(60))
    body_text: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str | None] = mapped_column(Text)
    ref: Mapped[str | None] = mapped_column(String(36))
    bodies_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        Index(
            "ix_outbox_message_waiting",
            "not_before",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index(
            "ix_outbox_message_urgent",
            "not_before",
            sqlite_where=_URGENT,
            postgresql_where=_URGENT,
        ),
        Index(
            "ix_outbox_message_failed",
            "failed_at",
            sqlite_where=_FAILED,
            postgresql_where=_FAILED,
        ),
        Index(None, "created_at"),
        Index(None, "ref", unique=True),
    )

    def __repr__(self) -> str:
        """No address and no text: the text may hold a code."""
        return f"<OutboxMessage {self.id} {self.template}>"
