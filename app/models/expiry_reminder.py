"""Which reminders of expiring certificates have been written."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime


class ExpiryReminder(Base):
    """One reminder: this card, with certificates until this day, so many days before it."""

    __tablename__ = "expiry_reminder"

    id: Mapped[int] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("card.id"))
    expires_on: Mapped[date]
    days: Mapped[int]
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("card_id", "expires_on", "days"),)
