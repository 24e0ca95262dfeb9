"""Whom an agent reaches: the people of the organisation of their role, and of those right below.

A person belongs to their home organisation, and to every one in which they hold a position today:
who works in two places is looked after in both. Whoever is out of reach looks as if there were
no such person.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, or_, select

from app.domain.errors import NotFound
from app.domain.identity import is_uuid
from app.domain.principal import Principal
from app.extensions import db
from app.models import Assignment, Card, Organisation, Person, Position


def organisations(actor: Principal) -> list[int]:
    """Return the organisations that the actor's role reaches; none for a card holder."""
    own = actor.organisation_id
    if actor.role is None or own is None:
        return []
    reached = select(Organisation.id).where(
        or_(Organisation.id == own, Organisation.parent_id == own)
    )
    return list(db.session.scalars(reached))


def working_in(organisations: Sequence[int], today: date) -> Select[int]:
    """Select the people who hold a position in one of these organisations today."""
    return (
        select(Assignment.person_id)
        .join(Position, Position.id == Assignment.position_id)
        .where(
            Position.organisation_id.in_(organisations),
            Assignment.start <= today,
            or_(Assignment.end.is_(None), Assignment.end >= today),
        )
    )


def belongs(organisations: Sequence[int], today: date) -> ColumnElement[bool]:
    """The condition under which a row of ``Person`` belongs to one of these organisations."""
    works = working_in(organisations, today).where(Assignment.person_id == Person.id).exists()
    return or_(Person.organisation_id.in_(organisations), works)


def person(actor: Principal, uuid: str, *, today: date) -> Person:
    """Return the person with this number, whom the actor's role reaches.

    Raises:
        NotFound: there is nobody with it, or they are out of reach: both look the same.
    """
    found = None
    if is_uuid(uuid):
        reached = belongs(organisations(actor), today)
        found = db.session.scalar(select(Person).where(Person.uuid == uuid, reached))
    if found is None:
        raise NotFound("person", uuid)
    return found


def card(actor: Principal, uuid: str, card_id: int, *, today: date) -> Card:
    """Return a card of the person with this number, whom the actor's role reaches.

    Raises:
        NotFound: no such person, no such card, or out of reach: all look the same.
    """
    holder = person(actor, uuid, today=today)
    found = db.session.get(Card, card_id)
    if found is None or found.person_id != holder.id:
        raise NotFound("card", card_id)
    return found


def reaches(actor: Principal, person_id: int, *, today: date) -> bool:
    """Say whether the actor's role reaches a person."""
    reached = belongs(organisations(actor), today)
    return db.session.scalar(select(Person.id).where(Person.id == person_id, reached)) is not None
