"""The first RA Manager of an installation, whom nobody who is signed in could have made."""

import re
from datetime import datetime
from enum import StrEnum

from sqlalchemy import or_, select

from app import audit
from app.domain.days import day_of
from app.domain.errors import Conflict, Invalid
from app.domain.identity import is_uuid
from app.domain.names import folded
from app.domain.roles import Role
from app.domain.statuses import Outcome, PersonStatus, PositionSource
from app.extensions import db
from app.models import Assignment, Organisation, Person, Position
from app.services.people import email_written

POSITION = "RAM"
NAME_LENGTH = 100
ORGANISATION_NAME_LENGTH = 200
_CODE = re.compile(r"[A-Z0-9]{3,10}")


class Problem(StrEnum):
    """What is wrong with one of the values."""

    UUID = "uuid-not-12-digits"
    NAME = "name-missing-or-too-long"
    EMAIL = "email-invalid"
    CODE = "organisation-code-invalid"


class ManagerThere(Conflict):
    """Somebody is RA Manager: they make the others. ``uuid`` is theirs."""

    reason = "manager-there"

    def __init__(self, uuid: str) -> None:
        super().__init__(uuid=uuid)
        self.uuid = uuid


class UuidTaken(Conflict):
    """A UUID is never used again."""

    reason = "uuid-taken"


def create_first_manager(
    *,
    uuid: str,
    title: str,
    given_name: str,
    family_name: str,
    email: str,
    organisation_code: str,
    organisation_name: str,
    now: datetime,
) -> Person:
    """Make a person who is RA Manager from today on, and their organisation if it is missing.

    An organisation that is there keeps its name.

    Raises:
        Invalid: says for each value what is wrong with it.
        ManagerThere: there is a current RA Manager.
        UuidTaken: somebody has this UUID.
    """
    _check(uuid, given_name, family_name, email, organisation_code, organisation_name)
    there = _current_manager(now)
    if there is not None:
        raise ManagerThere(there)
    if db.session.scalar(select(Person.id).where(Person.uuid == uuid)) is not None:
        raise UuidTaken
    position = _position(organisation_code, organisation_name.strip())
    person = Person(
        uuid=uuid,
        title=title.strip(),
        given_name=given_name.strip(),
        family_name=family_name.strip(),
        given_folded=folded(given_name),
        family_folded=folded(family_name),
        email=email_written(email),
        job_title=position.name,
        organisation=position.organisation,
        created_at=now,
        modified_at=now,
    )
    db.session.add(person)
    db.session.flush()
    db.session.add(
        Assignment(person_id=person.id, position=position, start=day_of(now), modified_at=now)
    )
    audit.record(
        "person.first-manager-created",
        outcome=Outcome.DONE,
        actor=None,
        subject_person_id=person.id,
        now=now,
        organisation=organisation_code,
    )
    db.session.commit()
    return person


def _check(uuid: str, given: str, family: str, email: str, code: str, place: str) -> None:
    problems: dict[str, StrEnum] = {}
    if not is_uuid(uuid):
        problems["uuid"] = Problem.UUID
    for field, text, longest in (
        ("given-name", given, NAME_LENGTH),
        ("family-name", family, NAME_LENGTH),
        ("organisation-name", place, ORGANISATION_NAME_LENGTH),
    ):
        if not 0 < len(text.strip()) <= longest:
            problems[field] = Problem.NAME
    if not _CODE.fullmatch(code):
        problems["organisation-code"] = Problem.CODE
    try:
        email_written(email)
    except ValueError:
        problems["email"] = Problem.EMAIL
    if problems:
        raise Invalid(problems)


def _current_manager(now: datetime) -> str | None:
    today = day_of(now)
    return db.session.scalar(
        select(Person.uuid)
        .join(Assignment, Assignment.person_id == Person.id)
        .join(Assignment.position)
        .where(
            Position.role == Role.RA_MANAGER,
            Person.status == PersonStatus.OPEN,
            or_(Assignment.end.is_(None), Assignment.end >= today),
        )
        .limit(1)
    )


def _position(code: str, name: str) -> Position:
    organisation = db.session.scalar(select(Organisation).where(Organisation.code == code))
    if organisation is None:
        organisation = Organisation(code=code, name=name)
        db.session.add(organisation)
    found = db.session.scalar(
        select(Position).where(
            Position.organisation == organisation, Position.role == Role.RA_MANAGER
        )
    )
    if found is None:
        found = Position(
            code=POSITION,
            name=Role.RA_MANAGER.label,
            organisation=organisation,
            source=PositionSource.NATIONAL,
            role=Role.RA_MANAGER,
        )
        db.session.add(found)
    return found
