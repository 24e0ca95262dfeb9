"""The audit log. Rows are only ever added, by ``app.audit.record``."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.roles import Role
from app.domain.statuses import Outcome
from app.models.base import Base, UtcDateTime, json_column, large_id, one_of


class AuditEvent(Base):
    """Who did what, on whom, when, from where, and how it ended.

    ``digest`` is keyed and over every other column but ``id``; ``writer`` and ``sequence`` show
    which process wrote the row, and that none of its rows is missing.
    """

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(large_id(), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    event: Mapped[str] = mapped_column(String(60))
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome, "outcome"))
    actor_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    actor_uuid: Mapped[str | None] = mapped_column(String(12))
    actor_role: Mapped[Role | None] = mapped_column(one_of(Role, "actor_role"))
    actor_card_id: Mapped[int | None] = mapped_column(ForeignKey("card.id"))
    subject_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    subject_card_id: Mapped[int | None] = mapped_column(ForeignKey("card.id"))
    workstation_id: Mapped[int | None] = mapped_column(ForeignKey("workstation.id"))
    address: Mapped[str | None] = mapped_column(String(45))
    facts: Mapped[dict[str, Any]] = mapped_column(json_column(), default=dict)
    statement: Mapped[str | None] = mapped_column(Text)  # compact JWS by the card
    writer: Mapped[str] = mapped_column(String(32))
    sequence: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        # Covers the list of events about a person, newest first, without touching the table
        Index(
            "ix_audit_event_subject_covering",
            "subject_person_id",
            "id",
            "at",
            "event",
            "outcome",
            "actor_person_id",
        ),
        Index(None, "actor_person_id", "id"),
        Index(None, "subject_card_id", "id"),
        Index(None, "writer", "sequence", unique=True),
        {"sqlite_autoincrement": True},  # a number is never given out twice
    )
