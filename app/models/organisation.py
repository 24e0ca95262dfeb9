"""Organisations, and the positions that people hold in them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.roles import Role
from app.domain.statuses import PositionSource
from app.models.base import Base, UtcDateTime, one_of


class Organisation(Base):
    """A body with a national code. A role held in it reaches the organisations right below it."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)  # ODS code
    name: Mapped[str] = mapped_column(String(200))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)

    parent: Mapped["Organisation | None"] = relationship(remote_side="Organisation.id")

    __table_args__ = (CheckConstraint("parent_id <> id", name="not_its_own_parent"),)


class Position(Base):
    """A job in an organisation. It carries one RA role or none."""

    __tablename__ = "position"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    source: Mapped[PositionSource] = mapped_column(one_of(PositionSource, "source"))
    role: Mapped[Role | None] = mapped_column(one_of(Role, "role"))

    organisation: Mapped[Organisation] = relationship()

    __table_args__ = (Index(None, "organisation_id", "code", unique=True),)


class Assignment(Base):
    """A person holds a position from one day to another. Both days count; no end is open-ended.

    ``at_home`` notes that the position is in the person's home organisation, so that whoever looks
    for the people of an organisation reads only those positions that say more than the home does.
    Where it is false, nothing is said (see ``app.models.person``).
    """

    __tablename__ = "assignment"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"))
    at_home: Mapped[bool] = mapped_column(default=False, server_default=false())
    start: Mapped[date]
    end: Mapped[date | None]
    modified_at: Mapped[datetime] = mapped_column(UtcDateTime)

    position: Mapped[Position] = relationship()

    __table_args__ = (
        CheckConstraint('"end" IS NULL OR "end" >= start', name="ends_after_it_starts"),
        Index(None, "person_id", "start"),
        Index(None, "position_id", "at_home"),
    )

    def is_current(self, today: date) -> bool:
        return self.start <= today and (self.end is None or today <= self.end)
