"""The journal of card operations: each step is written before its ticket leaves."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.statuses import OperationState
from app.models.base import Base, UtcDateTime, json_column, one_of
from app.models.card import Card
from app.models.person import Person
from app.models.workstation import BridgeConnection


class CardOperation(Base):
    """One conversation with a card.

    ``person_id`` is whom it concerns, ``actor_person_id`` who does it. ``facts`` notices changes
    of its own keys only: hand in a new value for anything deeper. ``sealed`` holds secrets that
    were sent and not proven yet.
    """

    __tablename__ = "card_operation"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[OperationState] = mapped_column(
        one_of(OperationState, "state"), default=OperationState.OPEN
    )
    step: Mapped[str] = mapped_column(String(40))
    card_id: Mapped[int | None] = mapped_column(ForeignKey("card.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    actor_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("session.id", ondelete="SET NULL"))
    browser: Mapped[str] = mapped_column(String(64))
    connection_id: Mapped[int | None] = mapped_column(
        ForeignKey("bridge_connection.id", ondelete="SET NULL"), index=True
    )
    seat: Mapped[str | None] = mapped_column(String(64))
    nonce: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]] = mapped_column(
        MutableDict.as_mutable(json_column()), default=dict
    )
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    card: Mapped[Card | None] = relationship()
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    actor: Mapped[Person | None] = relationship(foreign_keys=[actor_person_id])
    connection: Mapped[BridgeConnection | None] = relationship()
    steps: Mapped[list["CardOperationStep"]] = relationship(
        back_populates="operation",
        order_by="CardOperationStep.number",
        cascade="all, delete-orphan",
    )

    __table_args__ = (
        Index(None, "card_id", "started_at"),
        Index(None, "session_id"),
        Index(
            "ix_card_operation_unfinished",
            "updated_at",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    @property
    def is_assisted(self) -> bool:
        """Whether somebody works on another person's card."""
        return self.actor_person_id is not None and self.actor_person_id != self.person_id

    def give_up(self, now: datetime) -> None:
        """End it undone: nothing of it is to be gone on with."""
        self.state = OperationState.ABANDONED
        self.updated_at = self.finished_at = now

    def __repr__(self) -> str:
        return f"<CardOperation {self.public_id} {self.kind} {self.step} {self.state}>"


class CardOperationStep(Base):
    """One ticket and its answer. ``result_digest`` makes the same answer, sent again, the same."""

    __tablename__ = "card_operation_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_id: Mapped[int] = mapped_column(ForeignKey("card_operation.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    jti: Mapped[str] = mapped_column(String(64), unique=True)
    nonce: Mapped[str | None] = mapped_column(String(64))
    ticket_at: Mapped[datetime] = mapped_column(UtcDateTime)
    result_digest: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str | None] = mapped_column(String(40))  # "done", or the code of the error
    # A whole ticket: read only where it is given once more
    answer: Mapped[dict[str, Any] | None] = mapped_column(json_column(), deferred=True)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    operation: Mapped[CardOperation] = relationship(back_populates="steps")

    __table_args__ = (
        CheckConstraint("number > 0", name="number_from_1"),
        Index(None, "operation_id", "number", unique=True),
    )
