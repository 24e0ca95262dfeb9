"""Requests to the registration authority."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.requests import RequestEvent, RequestKind, RequestState, next_state
from app.models.base import Base, UtcDateTime, one_of
from app.models.card import Card
from app.models.person import Person

_OPEN_CARD = text("kind = 'issue-card' AND state IN ('draft', 'submitted', 'approved')")


class Request(Base):
    """What somebody asks for. ``organisation_id`` is the one whose agents look after it.

    ``reason`` is a word of the action that filed it ("lost"); ``closed_at``, ``closed_by_id`` say
    who ended it and when.
    """

    __tablename__ = "request"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RequestKind] = mapped_column(one_of(RequestKind, "kind"))
    state: Mapped[RequestState] = mapped_column(
        one_of(RequestState, "state"), default=RequestState.SUBMITTED
    )
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    subject_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    card_id: Mapped[int | None] = mapped_column(ForeignKey("card.id"))  # the one to be replaced
    filed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(String(40), default="")
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    subject: Mapped[Person | None] = relationship(foreign_keys=[subject_person_id])
    card: Mapped[Card | None] = relationship()

    __table_args__ = (
        CheckConstraint(
            "(closed_at IS NOT NULL) = (state IN ('rejected', 'done', 'cancelled'))",
            name="over_has_a_time",
        ),
        CheckConstraint(
            "kind = 'create-person' OR subject_person_id IS NOT NULL", name="is_about_somebody"
        ),
        Index(None, "organisation_id", "state", "filed_at", "id"),
        Index(None, "state", "filed_at", "id"),
        Index(None, "subject_person_id", "id"),
        # A person waits for one new card at most
        Index(
            "uq_request_one_card_per_person",
            "subject_person_id",
            unique=True,
            sqlite_where=_OPEN_CARD,
            postgresql_where=_OPEN_CARD,
        ),
    )

    def apply(self, event: RequestEvent, *, by: int | None, now: datetime) -> None:
        """Move to the state that the table has for ``event``.

        Raises:
            TransitionRefused: the table has no such move.
        """
        self.state = next_state(self.state, event)
        self.modified_at = now
        if self.state.is_over:
            self.closed_at, self.closed_by_id = now, by

    def __repr__(self) -> str:
        return f"<Request {self.id} {self.kind} {self.state}>"
