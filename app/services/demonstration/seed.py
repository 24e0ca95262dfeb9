"""Putting the demonstration's rows into the database. Doing it again changes nothing."""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import current_app
from sqlalchemy import select

from app import audit
from app.domain.names import folded
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Assignment, Organisation, Person, PersonPhoto, Position
from app.services import people as people_service
from app.services import terms
from app.services.demonstration import registrations
from app.services.demonstration.people import (
    ORGANISATIONS,
    PEOPLE,
    POSITIONS,
    PlannedPerson,
)
from app.services.demonstration.portraits import CONTENT_TYPE, portrait
from app.services.demonstration.terms_text import TEXT, TITLE

MAIL_DOMAIN = "northmere.nhs.uk"
PHOTO_TAKEN = date(2024, 5, 14)


class NotADemonstration(Exception):
    """DEMONSTRATION is off: this database may be somebody's real one."""


@dataclass(frozen=True)
class Seeded:
    """How many rows were missing and have been made."""

    organisations: int
    positions: int
    people: int
    terms: int


def seed(now: datetime) -> Seeded:
    """Make what is missing of the demonstration's organisations, people and terms.

    Raises:
        NotADemonstration: the setting is off; nothing was written.
    """
    if not current_app.config["DEMONSTRATION"]:
        raise NotADemonstration
    registrations.prepare_hashes()
    organisations = _organisations()
    positions = _positions()
    made = _people(now)
    _line_managers(made)
    registrations.register({planned.uuid for planned in made}, now)
    if made:
        audit.record(
            "demonstration.seeded", outcome=Outcome.DONE, actor=None, now=now, people=len(made)
        )
    db.session.commit()
    published = 0
    if terms.current() is None:
        terms.publish(title=TITLE, text=TEXT, actor=None, now=now)
        published = 1
    return Seeded(organisations, positions, len(made), published)


def _organisations() -> int:
    missing = [each for each in ORGANISATIONS if _organisation(each[0]) is None]
    for code, name, parent in missing:
        db.session.add(
            Organisation(code=code, name=name, parent=_organisation(parent) if parent else None)
        )
        db.session.flush()
    return len(missing)


def _positions() -> int:
    made = 0
    for planned in POSITIONS:
        if _position(planned.code, planned.organisation) is None:
            db.session.add(
                Position(
                    code=planned.code,
                    name=planned.name,
                    organisation=_found(_organisation(planned.organisation)),
                    source=planned.source,
                    role=planned.role,
                )
            )
            made += 1
    db.session.flush()
    return made


def _people(now: datetime) -> list[PlannedPerson]:
    there = set(db.session.scalars(select(Person.uuid)))
    missing = [planned for planned in PEOPLE if planned.uuid not in there]
    for planned in missing:
        person = Person(
            uuid=planned.uuid,
            title=planned.title,
            given_name=planned.given,
            family_name=planned.family,
            preferred_name=planned.preferred,
            given_folded=folded(planned.given),
            family_folded=folded(planned.family),
            status=planned.status,
            email=_address(planned),
            telephone=planned.telephone,
            mobile=planned.mobile,
            job_title=planned.job,
            organisation=_found(_organisation(planned.home)),
            created_at=now,
            modified_at=now,
        )
        people_service.seal_nino(person, planned.nino)
        db.session.add(person)
        db.session.flush()
        db.session.add(
            PersonPhoto(
                person_id=person.id,
                content_type=CONTENT_TYPE,
                image=portrait(planned.uuid, title=planned.title),
                taken_on=PHOTO_TAKEN,
            )
        )
        for held in planned.holds:
            db.session.add(
                Assignment(
                    person_id=person.id,
                    position=_found(_position(held.code, held.organisation)),
                    start=held.start,
                    end=held.end,
                    modified_at=now,
                )
            )
    return missing


def _line_managers(made: list[PlannedPerson]) -> None:
    db.session.flush()
    rows = {row.uuid: row for row in db.session.scalars(select(Person))}
    numbers = {planned.number: planned.uuid for planned in PEOPLE}
    for planned in made:
        if planned.manager is not None:
            rows[planned.uuid].line_manager_id = rows[numbers[planned.manager]].id


def _address(planned: PlannedPerson) -> str:
    name = f"{planned.given}.{planned.family}".replace("-", "")
    plain = unicodedata.normalize("NFC", folded(name.replace(".", " "))).replace(" ", ".")
    return f"{plain}@{MAIL_DOMAIN}"


def _organisation(code: str) -> Organisation | None:
    return db.session.scalar(select(Organisation).where(Organisation.code == code))


def _position(code: str, organisation: str) -> Position | None:
    return db.session.scalar(
        select(Position)
        .join(Position.organisation)
        .where(Position.code == code, Organisation.code == organisation)
    )


def _found(row: Any) -> Any:
    assert row is not None, "the plan names what it does not make"
    return row
