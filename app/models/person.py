"""People: who they are, how to reach them, what they look like."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    event,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship, validates

from app.domain.identity import is_uuid
from app.domain.statuses import PersonStatus
from app.models.base import Base, UtcDateTime, one_of, sorted_text
from app.models.organisation import Assignment, Organisation, Position


class Person(Base):
    """One person, known nationally by a 12-digit UUID that is never used again.

    ``given_folded`` and ``family_folded`` are the names as searches compare them
    (``app.domain.names.folded``). The National Insurance number (NINO) is sealed; its blind index
    finds it again without opening it.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(12), unique=True)
    title: Mapped[str] = mapped_column(String(20), default="")
    given_name: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    preferred_name: Mapped[str | None] = mapped_column(String(100))
    given_folded: Mapped[str] = mapped_column(sorted_text(100))
    family_folded: Mapped[str] = mapped_column(sorted_text(100))
    status: Mapped[PersonStatus] = mapped_column(
        one_of(PersonStatus, "status"), default=PersonStatus.OPEN
    )
    email: Mapped[str | None] = mapped_column(String(254))
    telephone: Mapped[str | None] = mapped_column(String(30))
    mobile: Mapped[str | None] = mapped_column(String(30))
    job_title: Mapped[str | None] = mapped_column(String(100))
    line_manager_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    nino_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    nino_index: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[datetime] = mapped_column(UtcDateTime)

    organisation: Mapped[Organisation] = relationship()
    line_manager: Mapped["Person | None"] = relationship(remote_side="Person.id")
    assignments: Mapped[list[Assignment]] = relationship(order_by=Assignment.start)

    __table_args__ = (
        CheckConstraint("length(uuid) = 12", name="uuid_has_12_digits"),
        CheckConstraint("line_manager_id <> id", name="not_their_own_line_manager"),
        Index(None, "family_folded", "given_folded", "id"),
        Index(None, "given_folded", "family_folded", "id"),
        Index(None, "organisation_id", "family_folded", "given_folded", "id"),
        Index(None, "organisation_id", "given_folded", "family_folded", "id"),
    )

    @validates("uuid")
    def _is_uuid(self, _: str, uuid: str) -> str:
        if not is_uuid(uuid):
            raise ValueError("no UUID: 12 digits, the first of them not 0")
        return uuid

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    def __repr__(self) -> str:
        """The number alone: a name and a NINO belong in no log."""
        return f"<Person {self.uuid}>"


class PersonPhoto(Base):
    """The photo that is printed on the card, in a table of its own so that no list reads it."""

    __tablename__ = "person_photo"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    content_type: Mapped[str] = mapped_column(String(40))
    image: Mapped[bytes] = mapped_column(LargeBinary)
    taken_on: Mapped[date]


@event.listens_for(Assignment, "before_insert")
def _note_whether_at_home(
    _: Mapper[Assignment], connection: Connection, assignment: Assignment
) -> None:
    at_home = (
        select(Position.organisation_id == Person.organisation_id)
        .join_from(Position, Person, Person.id == assignment.person_id)
        .where(Position.id == assignment.position_id)
    )
    assignment.at_home = bool(connection.scalar(at_home))


@event.listens_for(Person, "before_update")
def _forget_who_was_at_home(_: Mapper[Person], connection: Connection, person: Person) -> None:
    if inspect(person).attrs.organisation_id.history.has_changes():
        connection.execute(
            update(Assignment).where(Assignment.person_id == person.id).values(at_home=False)
        )
