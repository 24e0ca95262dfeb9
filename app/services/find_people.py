"""Finding people: by number, by NINO, or by how their names begin; only those within reach.

Every search costs what the organisations within reach cost, however many people there are in all:
each way to read the words is one range of an index that begins with the organisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_, union

from app import audit, scope
from app.domain.days import day_of
from app.domain.identity import is_uuid
from app.domain.person_search import ByName, ByNino, ByUuid, NameStart, Sought
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.models import Assignment, Organisation, Person
from app.services.keys import vault

PAGE = 25  # people a page
COUNTED = 1000  # and "1,000+" beyond
LAST_CODE_POINT = "\U0010ffff"

ORDER = (Person.family_folded, Person.given_folded, Person.id)


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """One person, as a list shows them."""

    uuid: str
    title: str
    given_name: str
    family_name: str
    job_title: str | None
    status: PersonStatus
    organisation_code: str
    organisation_name: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of people by name. ``further`` is where the next page begins, if there is one.

    ``count`` is how many were found in all; ``more`` says that there are more than were counted.
    """

    rows: list[PersonRow]
    further: str | None = None
    count: int = 0
    more: bool = False


def search(
    actor: Principal,
    wanted: Sought,
    *,
    after: str | None = None,
    now: datetime,
    limit: int = PAGE,
    counted: int = COUNTED,
) -> Found:
    """Return the people within the actor's reach who are asked for. Leaves an event.

    ``after`` is the UUID of the person after whom a page of names begins; one of nobody within
    reach begins at the beginning.

    Raises:
        NotAllowed: the actor may not look for people.
    """
    actor.demand(Permission.FIND_PERSON)
    reached, today = scope.organisations(actor), day_of(now)
    match wanted:
        case ByName(starts):
            found = _by_name(starts, reached, today, _place(after, reached, today), limit, counted)
        case ByUuid(uuid):
            found = _one(Person.uuid == uuid, reached, today)
        case ByNino(nino):
            found = _one(Person.nino_index.in_(vault().blind_indexes("nino", nino)), reached, today)
    audit.record(
        "people.searched",
        outcome=Outcome.DONE,
        actor=actor,
        now=now,
        by=KINDS[type(wanted)],
        found=found.count,
        shown=[row.uuid for row in found.rows],
    )
    db.session.commit()
    return found


KINDS: dict[type[Sought], str] = {ByUuid: "uuid", ByNino: "nino", ByName: "name"}


def _one(whom: ColumnElement[bool], reached: Sequence[int], today: date) -> Found:
    rows = _rows(_shown().where(whom, scope.belongs(reached, today)))
    return Found(rows=rows, count=len(rows))


def _by_name(
    starts: Sequence[NameStart],
    reached: Sequence[int],
    today: date,
    place: tuple[str, str, int] | None,
    limit: int,
    counted: int,
) -> Found:
    if not reached:
        return Found(rows=[])
    found = _named(starts, reached, today, place, limit + 1).subquery()
    wanted = _shown().join(found, found.c.id == Person.id).order_by(*ORDER)
    rows = _rows(wanted)
    further = rows[limit - 1].uuid if len(rows) > limit else None
    if further is None and place is None:
        return Found(rows=rows, count=len(rows))
    every = _named(starts, reached, today, None, counted + 1).subquery()
    count = db.session.scalar(select(func.count()).select_from(every)) or 0
    return Found(
        rows=rows[:limit], further=further, count=min(count, counted), more=count > counted
    )


def _named(
    starts: Sequence[NameStart],
    reached: Sequence[int],
    today: date,
    place: tuple[str, str, int] | None,
    limit: int,
) -> Select[*tuple[Any, ...]]:
    """Select the first people by name: one range of an index for each reading of the words.

    Those whose home is elsewhere are few and come last: they are found through their positions.
    """
    home = Person.organisation_id.in_(reached)
    away = scope.working_in(reached, today).where(Assignment.at_home.is_(False))
    visiting = Person.id.in_(away)
    ways = [and_(home, _begins(start)) for start in starts]
    ways.append(and_(visiting, ~home, or_(*map(_begins, starts))))
    parts = []
    for way in ways:
        part = select(*ORDER).where(way).order_by(*ORDER).limit(limit)
        if place is not None:
            part = part.where(tuple_(*ORDER) > tuple_(*place))
        inner = part.subquery()
        parts.append(select(inner.c.family_folded, inner.c.given_folded, inner.c.id))
    together = union(*parts).subquery()
    columns = (together.c.family_folded, together.c.given_folded, together.c.id)
    return select(*columns).order_by(*columns).limit(limit)


def _begins(start: NameStart) -> ColumnElement[bool]:
    pairs = ((Person.family_folded, start.family), (Person.given_folded, start.given))
    return and_(
        *(
            and_(column >= prefix, column < prefix + LAST_CODE_POINT)
            for column, prefix in pairs
            if prefix
        )
    )


def _place(after: str | None, reached: Sequence[int], today: date) -> tuple[str, str, int] | None:
    if after is None or not is_uuid(after):
        return None
    row = db.session.execute(
        select(*ORDER).where(Person.uuid == after, scope.belongs(reached, today))
    ).one_or_none()
    return (row.family_folded, row.given_folded, row.id) if row else None


def _shown() -> Select[*tuple[Any, ...]]:
    return select(
        Person.uuid,
        Person.title,
        Person.given_name,
        Person.family_name,
        Person.job_title,
        Person.status,
        Organisation.code.label("organisation_code"),
        Organisation.name.label("organisation_name"),
    ).join(Organisation, Organisation.id == Person.organisation_id)


def _rows(wanted: Select[*tuple[Any, ...]]) -> list[PersonRow]:
    return [PersonRow(**row._mapping) for row in db.session.execute(wanted)]
