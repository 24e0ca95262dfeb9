"""Self-service: who is registered, the answers they gave, what they began, codes on their way."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.one_time_code import Ended, Purpose
from app.domain.self_service import Change
from app.models.base import Base, UtcDateTime, one_of
from app.models.person import Person

_LIVE = text("ended_at IS NULL")


class SelfService(Base):
    """One person's self-service. The row outlives a registration: so do failures and a block.

    ``registered_at`` is null while they are not registered, ``questions_changed_at`` while no
    answers are kept. ``failed_attempts`` counts every guess before it is judged; ``attempted_at``
    is when the last was counted. ``asked`` are the keys of the questions that were drawn, until an
    unlock succeeds.
    """

    __tablename__ = "self_service"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    registered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    questions_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    blocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )

    person: Mapped[Person] = relationship()
    answers: Mapped[list["SecurityAnswer"]] = relationship(
        cascade="all, delete-orphan", order_by="SecurityAnswer.id", back_populates="self_service"
    )

    __table_args__ = (
        CheckConstraint("failed_attempts >= 0", name="failed_attempts_from_0"),
        CheckConstraint(
            "registered_at IS NULL OR email IS NOT NULL", name="registered_with_an_address"
        ),
        # What a try was counted for and never judged: its server was stopped
        Index(
            "ix_self_service_unjudged",
            "attempted_at",
            sqlite_where=text("failed_attempts > 0 AND blocked_at IS NULL"),
            postgresql_where=text("failed_attempts > 0 AND blocked_at IS NULL"),
        ),
        Index(
            "ix_self_service_blocked",
            "blocked_at",
            sqlite_where=text("blocked_at IS NOT NULL"),
            postgresql_where=text("blocked_at IS NOT NULL"),
        ),
    )

    def __repr__(self) -> str:
        """No address and no questions."""
        return f"<SelfService of person {self.person_id}>"


class SecurityAnswer(Base):
    """One answer: the Argon2id hash of what was typed, folded, and sealed. ``ref`` names the row
    to the vault."""

    __tablename__ = "security_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(String(36), unique=True)
    self_service_id: Mapped[int] = mapped_column(ForeignKey("self_service.id", ondelete="CASCADE"))
    question: Mapped[str] = mapped_column(String(40))
    answer_sealed: Mapped[bytes] = mapped_column(LargeBinary)

    self_service: Mapped[SelfService] = relationship(back_populates="answers")

    __table_args__ = (Index(None, "self_service_id", "question", unique=True),)

    def __repr__(self) -> str:
        return f"<SecurityAnswer {self.id}>"


class SelfServiceDraft(Base):
    """What a person has begun and not ended: one row for each change.

    ``questions`` are the keys of the questions chosen, ``answers_sealed`` the hashes of their
    answers in the same order. The passcode was shown by the card in session ``proven_session_id``:
    another session shows it again.
    """

    __tablename__ = "self_service_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(String(36), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    change: Mapped[Change] = mapped_column(one_of(Change, "change"))
    questions: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    answers_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    email: Mapped[str | None] = mapped_column(String(254))
    proven_session_id: Mapped[int | None] = mapped_column(
        ForeignKey("session.id", ondelete="SET NULL"), index=True
    )
    proven_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    __table_args__ = (Index(None, "person_id", "change", unique=True),)

    def __repr__(self) -> str:
        return f"<SelfServiceDraft {self.id} {self.change}>"


class OneTimeCode(Base):
    """A code that was mailed: its Argon2id hash, sealed, until it has ended."""

    __tablename__ = "one_time_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(String(36), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    purpose: Mapped[Purpose] = mapped_column(one_of(Purpose, "purpose"))
    code_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    sent_to: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    outbox_message_id: Mapped[int | None] = mapped_column(
        ForeignKey("outbox_message.id", ondelete="SET NULL"), index=True
    )
    wrong_tries: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[Ended | None] = mapped_column(one_of(Ended, "ended_by"))

    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_something"),
        CheckConstraint("wrong_tries >= 0", name="wrong_tries_from_0"),
        Index(
            "ix_one_time_code_live",
            "person_id",
            "purpose",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index(None, "person_id", "purpose", "id"),
    )

    def __repr__(self) -> str:
        return f"<OneTimeCode {self.id} {self.purpose}>"
