"""The terms and conditions, version by version, and who accepted them with which signature."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, UtcDateTime


class TermsVersion(Base):
    """A text that was published once and never changes. ``sha256`` (hex) is of its UTF-8 bytes."""

    __tablename__ = "terms_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (CheckConstraint("version > 0", name="version_from_1"),)


class TermsAcceptance(Base):
    """One person accepted one version: the card's signature key signed its digest."""

    __tablename__ = "terms_acceptance"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    terms_id: Mapped[int] = mapped_column(ForeignKey("terms_version.id"))
    card_id: Mapped[int] = mapped_column(ForeignKey("card.id"))
    statement: Mapped[str] = mapped_column(Text)  # compact JWS
    key_id: Mapped[int] = mapped_column(ForeignKey("card_key.id"))
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)

    terms: Mapped[TermsVersion] = relationship()

    __table_args__ = (Index(None, "person_id", "accepted_at"),)
