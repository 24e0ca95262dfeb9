"""The query that every request of a signed-in person begins with.

It is put together once: that took longer than the database takes to answer it.
"""

from datetime import date

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    and_,
    bindparam,
    exists,
    or_,
    select,
)

from app.models import Assignment, Card, CardOperation, Organisation, Person, Position, Session

PRESENCE_KIND = "presence"


def current(today: date | BindParameter[date]) -> ColumnElement[bool]:
    """Say of an assignment whether it is held on the day ``today``."""
    return and_(Assignment.start <= today, or_(Assignment.end.is_(None), Assignment.end >= today))


# Asked with: digest, today, works_since (how long an operation may take, before now)
_WORKING = exists().where(
    CardOperation.session_id == Session.id,
    CardOperation.card_id == Session.card_id,  # with another card, one's own is free to prove
    CardOperation.kind != PRESENCE_KIND,  # a question is not yet an answer
    CardOperation.finished_at.is_(None),
    CardOperation.updated_at > bindparam("works_since"),
)
RUNNING = (
    select(
        Session.id,
        Session.person_id,
        Session.card_id,
        Session.guid,
        Session.seat,
        Session.bridge_instance,
        Session.workstation_id,
        Session.started_at,
        Session.last_seen_at,
        Session.last_presence_at,
        Session.busy_since,
        Person.uuid,
        Person.title,
        Person.given_name,
        Person.family_name,
        Person.status.label("person_status"),
        Card.status.label("card_status"),
        Card.expires_on.label("card_expires_on"),
        Assignment.id.label("assignment_id"),
        Position.role,
        Position.name.label("position_name"),
        Organisation.id.label("organisation_id"),
        Organisation.code.label("organisation_code"),
        Organisation.name.label("organisation_name"),
        _WORKING.label("working"),
    )
    .join(Person, Person.id == Session.person_id)
    .join(Card, Card.id == Session.card_id)
    # A position that ended meanwhile takes its role along
    .outerjoin(
        Assignment,
        and_(Assignment.id == Session.assignment_id, current(bindparam("today", type_=Date))),
    )
    .outerjoin(Position, Position.id == Assignment.position_id)
    .outerjoin(Organisation, Organisation.id == Position.organisation_id)
    .where(Session.token_digest == bindparam("digest"), Session.ended_at.is_(None))
)
