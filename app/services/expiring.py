"""What expires soon, of the people within an agent's reach: by day, a page at a time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, tuple_

from app import scope
from app.domain.card_lifecycle import CardStatus, shown_status
from app.domain.days import day_of
from app.domain.principal import Principal
from app.domain.renewal import RenewalState, renewal_state
from app.domain.roles import Permission
from app.domain.statuses import PersonStatus
from app.extensions import db
from app.models import Card, Organisation, Person

PAGE = 25
WITHIN = (7, 30, 60, 90)  # days

IN_USE = (CardStatus.ISSUED, CardStatus.LOCKED, CardStatus.SUSPENDED)


@dataclass(frozen=True)
class Place:
    """Where a page begins: after this card, whose last day this is."""

    expires_on: date
    card_id: int

    def __str__(self) -> str:
        return f"{self.expires_on.isoformat()}.{self.card_id}"

    @classmethod
    def read(cls, text: str | None) -> "Place | None":
        """Return the place that an address names, or None where it names none."""
        day, _, number = (text or "").partition(".")
        try:
            return cls(date.fromisoformat(day), int(number)) if len(number) < 10 else None
        except ValueError:
            return None


@dataclass(frozen=True, kw_only=True)
class ExpiringRow:
    """One card, as the list shows it. ``status`` is the one to show."""

    card_id: int
    number: str
    status: CardStatus
    expires_on: date
    uuid: str
    name: str
    organisation_code: str
    organisation_name: str
    renewal: RenewalState


@dataclass(frozen=True, kw_only=True)
class Expiring:
    """A page of cards, the first to expire first. ``further`` is where the next begins."""

    rows: list[ExpiringRow]
    further: Place | None


def page(
    actor: Principal, *, within: int, after: Place | None, now: datetime, limit: int = PAGE
) -> Expiring:
    """Return the cards in use whose certificates expire within so many days from today.

    Raises:
        NotAllowed: the actor may not report on cards.
    """
    actor.demand(Permission.REPORT_ON_CARDS)
    today = day_of(now)
    place = (Card.expires_on, Card.id)
    wanted = (
        select(
            Card.id,
            Card.number,
            Card.status,
            Card.expires_on,
            Card.self_renewals_in_row,
            Person.uuid,
            Person.given_name,
            Person.family_name,
            Organisation.code,
            Organisation.name,
        )
        .join(Person, Person.id == Card.person_id)
        .join(Organisation, Organisation.id == Person.organisation_id)
        .where(
            Card.expires_on.between(today, today + timedelta(days=within)),
            Card.status.in_(IN_USE),
            Person.status == PersonStatus.OPEN,
            scope.belongs(scope.organisations(actor), today),
        )
        .order_by(*place)
        .limit(limit + 1)
    )
    if after is not None:
        wanted = wanted.where(tuple_(*place) > tuple_(after.expires_on, after.card_id))
    rows = [_row(row, today) for row in db.session.execute(wanted)]
    last = rows[limit - 1] if len(rows) > limit else None
    return Expiring(
        rows=rows[:limit], further=Place(last.expires_on, last.card_id) if last else None
    )


def _row(row: Any, today: date) -> ExpiringRow:
    status = shown_status(row.status, row.expires_on, today=today)
    return ExpiringRow(
        card_id=row.id,
        number=row.number,
        status=status,
        expires_on=row.expires_on,
        uuid=row.uuid,
        name=f"{row.given_name} {row.family_name}",
        organisation_code=row.code,
        organisation_name=row.name,
        renewal=renewal_state(
            status=status,
            expires_on=row.expires_on,
            self_renewals_in_row=row.self_renewals_in_row,
            today=today,
        ),
    )
