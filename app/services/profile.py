"""What a card holder's profile shows: read here, changed in `people`.

Pages list rows, so these are columns rather than objects; and what a page asks at every visit is
put together once: building these queries took longer than the database takes to answer them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, select
from sqlalchemy.orm import aliased

from app.domain.card_lifecycle import CardStatus, shown_status
from app.domain.errors import NotFound
from app.domain.renewal import RenewalState, renewal_state
from app.domain.statuses import Outcome, PersonStatus, PositionSource
from app.extensions import db
from app.models import Assignment, AuditEvent, Card, Organisation, Person, PersonPhoto, Position
from app.services import people
from app.vault.errors import VaultError

PAGE = 25  # events a page


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """One smartcard, as its holder's profile lists it. ``status`` is the one to show."""

    id: int
    number: str
    serial: str | None
    type: str
    manufacturer: str
    issued_at: datetime | None
    expires_on: date | None
    modified_at: datetime
    status: CardStatus
    renewal: RenewalState

    @property
    def in_use(self) -> bool:
        """Whether it has services: it is not cancelled, and was not only printed."""
        return self.status not in (CardStatus.BLANK, CardStatus.CANCELLED)

    @property
    def in_date(self) -> bool:
        """Whether its certificates have not run out, and it is not out of use for good."""
        return self.in_use and self.status is not CardStatus.EXPIRED


@dataclass(frozen=True, kw_only=True)
class Held:
    """A position that a person holds, held or will hold."""

    code: str
    name: str
    source: PositionSource
    organisation_code: str
    organisation_name: str
    start: date
    end: date | None
    modified_at: datetime


@dataclass(frozen=True, kw_only=True)
class Contact:
    """How to reach a person."""

    email: str | None
    telephone: str | None
    mobile: str | None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A person's own page."""

    person_id: int
    uuid: str
    title: str
    given_name: str
    family_name: str
    preferred_name: str | None
    status: PersonStatus
    job_title: str | None
    line_manager: str | None
    organisation_code: str
    organisation_name: str
    has_photo: bool
    nino_ending: str | None  # its last characters; "" where it is kept and cannot be opened
    contact: Contact
    cards: list[CardRow]
    assignments: list[Held]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a person's record or card. ``by`` is who did it."""

    id: int
    at: datetime
    event: str
    outcome: Outcome
    own: bool
    by: str | None


@dataclass(frozen=True, kw_only=True)
class Events:
    """A page of events, newest first. ``older`` is where the next page begins, if there is one."""

    rows: list[Event]
    older: int | None


_manager = aliased(Person)
_PERSON = (
    select(
        Person.id,
        Person.uuid,
        Person.title,
        Person.given_name,
        Person.family_name,
        Person.preferred_name,
        Person.status,
        Person.job_title,
        Person.email,
        Person.telephone,
        Person.mobile,
        Person.nino_sealed,
        _manager.given_name.label("manager_given"),
        _manager.family_name.label("manager_family"),
        Organisation.code.label("organisation_code"),
        Organisation.name.label("organisation_name"),
        exists().where(PersonPhoto.person_id == Person.id).label("has_photo"),
    )
    .join(Organisation, Organisation.id == Person.organisation_id)
    .outerjoin(_manager, _manager.id == Person.line_manager_id)
    .where(Person.id == bindparam("person_id"))
)
_CARDS = select(
    Card.id,
    Card.number,
    Card.serial,
    Card.type,
    Card.manufacturer,
    Card.issued_at,
    Card.expires_on,
    Card.modified_at,
    Card.status,
    Card.self_renewals_in_row,
).order_by(Card.issued_at.desc().nulls_last(), Card.id.desc())
_CARDS_OF_PERSON = _CARDS.where(Card.person_id == bindparam("person_id"))
_ONE_CARD = _CARDS.where(Card.id == bindparam("card_id"))
_ASSIGNMENTS = (
    select(
        Position.code,
        Position.name,
        Position.source,
        Organisation.code.label("organisation_code"),
        Organisation.name.label("organisation_name"),
        Assignment.start,
        Assignment.end,
        Assignment.modified_at,
    )
    .join(Position, Position.id == Assignment.position_id)
    .join(Organisation, Organisation.id == Position.organisation_id)
    .where(Assignment.person_id == bindparam("person_id"))
    .order_by(Assignment.start.desc(), Assignment.id.desc())
)
_actor = aliased(Person)
_EVENTS = (
    select(
        AuditEvent.id,
        AuditEvent.at,
        AuditEvent.event,
        AuditEvent.outcome,
        AuditEvent.actor_person_id,
        _actor.given_name,
        _actor.family_name,
    )
    .outerjoin(_actor, _actor.id == AuditEvent.actor_person_id)
    .where(AuditEvent.subject_person_id == bindparam("person_id"))
    .order_by(AuditEvent.id.desc())
    .limit(bindparam("limit"))
)
_EVENTS_BEFORE = _EVENTS.where(AuditEvent.id < bindparam("before"))


def read(person_id: int, *, today: date) -> Profile:
    """Return what a person's profile shows. ``today`` is a day in London.

    Raises:
        NotFound: there is no such person.
    """
    row = db.session.execute(_PERSON, {"person_id": person_id}).one_or_none()
    if row is None:
        raise NotFound("person", person_id)
    return Profile(
        person_id=row.id,
        uuid=row.uuid,
        title=row.title,
        given_name=row.given_name,
        family_name=row.family_name,
        preferred_name=row.preferred_name,
        status=row.status,
        job_title=row.job_title,
        line_manager=f"{row.manager_given} {row.manager_family}" if row.manager_given else None,
        organisation_code=row.organisation_code,
        organisation_name=row.organisation_name,
        has_photo=row.has_photo,
        nino_ending=_ending(row.uuid, row.nino_sealed),
        contact=Contact(email=row.email, telephone=row.telephone, mobile=row.mobile),
        cards=cards(person_id, today=today),
        assignments=assignments(person_id),
    )


def _ending(uuid: str, nino_sealed: bytes | None) -> str | None:
    """Return the part of a National Insurance number that its owner knows it by."""
    if nino_sealed is None:
        return None
    try:
        return people.opened_nino(uuid, nino_sealed)[-3:]
    except VaultError:
        return ""


def contact(person_id: int) -> Contact:
    """Return how to reach a person.

    Raises:
        NotFound: there is no such person.
    """
    row = db.session.execute(
        select(Person.email, Person.telephone, Person.mobile).where(Person.id == person_id)
    ).one_or_none()
    if row is None:
        raise NotFound("person", person_id)
    return Contact(email=row.email, telephone=row.telephone, mobile=row.mobile)


def own_card(card_id: int, *, today: date) -> CardRow:
    """Return one card.

    Raises:
        NotFound: there is no such card.
    """
    found = _cards(_ONE_CARD, {"card_id": card_id}, today=today)
    if not found:
        raise NotFound("card", card_id)
    return found[0]


def cards(person_id: int, *, today: date) -> list[CardRow]:
    """Return a person's smartcards, the newest first."""
    return _cards(_CARDS_OF_PERSON, {"person_id": person_id}, today=today)


def _cards(
    wanted: Select[*tuple[Any, ...]], asked: dict[str, int], *, today: date
) -> list[CardRow]:
    return [
        CardRow(
            id=row.id,
            number=row.number,
            serial=row.serial,
            type=row.type,
            manufacturer=row.manufacturer,
            issued_at=row.issued_at,
            expires_on=row.expires_on,
            modified_at=row.modified_at,
            status=(status := shown_status(row.status, row.expires_on, today=today)),
            renewal=renewal_state(
                status=status,
                expires_on=row.expires_on,
                self_renewals_in_row=row.self_renewals_in_row,
                today=today,
            ),
        )
        for row in db.session.execute(wanted, asked)
    ]


def assignments(person_id: int) -> list[Held]:
    """Return the positions that a person holds, held and will hold, the latest start first."""
    rows = db.session.execute(_ASSIGNMENTS, {"person_id": person_id})
    return [Held(**row._mapping) for row in rows]


def photo(person_id: int) -> tuple[bytes, str]:
    """Return a person's photo and its content type.

    Raises:
        NotFound: there is none.
    """
    row = db.session.execute(
        select(PersonPhoto.image, PersonPhoto.content_type).where(
            PersonPhoto.person_id == person_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound("photo", person_id)
    return row.image, row.content_type


def events(person_id: int, *, before: int | None = None, limit: int = PAGE) -> Events:
    """Return what happened to a person, newest first, from the one before ``before`` on."""
    wanted, asked = _EVENTS, {"person_id": person_id, "limit": limit + 1}
    if before is not None:
        wanted, asked = _EVENTS_BEFORE, asked | {"before": before}
    found = [
        Event(
            id=row.id,
            at=row.at,
            event=row.event,
            outcome=row.outcome,
            own=row.actor_person_id == person_id,
            by=f"{row.given_name} {row.family_name}" if row.given_name else None,
        )
        for row in db.session.execute(wanted, asked)
    ]
    rows = found[:limit]
    return Events(rows=rows, older=rows[-1].id if len(found) > limit else None)
