"""The cards of the demonstration as its desk shows them: the plan, and what has become of it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.card_operations import age
from app.card_operations.answers import NextTicket
from app.card_operations.office import Office
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import NotFound
from app.extensions import db
from app.models import Card
from app.services.demonstration import PLAN, registration_of

AGE_DAYS = 700


@dataclass(frozen=True, kw_only=True)
class DeskCard:
    """``name`` is that of the card's file; ``shows`` is what there is to try with it.

    ``answers`` are the questions and answers of whoever was registered for self-service at first.
    """

    name: str
    guid: str | None
    holder: str | None
    uuid: str | None
    passcode: str | None
    expires_on: date | None
    can_age: bool
    shows: str
    answers: list[tuple[str, str]]


def cards() -> list[DeskCard]:
    """Return every card of the plan, in its order, with what the service knows of it."""
    rows = {
        row.number: row
        for row in db.session.scalars(
            select(Card)
            .where(Card.number.in_([planned.number for planned in PLAN]))
            .options(joinedload(Card.person))
        )
    }
    found = []
    for planned in PLAN:
        row = rows.get(planned.number)
        person = row.person if row else None
        registration = registration_of(planned.uuid)
        found.append(
            DeskCard(
                name=planned.name,
                guid=row.guid if row else None,
                holder=person.name if person else None,
                uuid=planned.uuid,
                passcode=planned.passcode if planned.uuid else None,
                expires_on=row.expires_on if row else None,
                can_age=row is not None and row.status is CardStatus.ISSUED,
                shows=planned.shows or planned.state.value,
                answers=registration.answers if registration else [],
            )
        )
    return found


def card(name: str) -> DeskCard:
    """Return one card by its name.

    Raises:
        NotFound: the demonstration has no such card.
    """
    for each in cards():
        if each.name == name:
            return each
    raise NotFound("demonstration-card", name)


def card_of_guid(guid: str | None) -> DeskCard:
    """Return one card by what its chip says.

    Raises:
        NotFound: it is not one of the demonstration's.
    """
    for each in cards():
        if guid and each.guid == guid:
            return each
    raise NotFound("demonstration-card", guid)


def make_older(
    name: str, *, sid: str, seat: str, browser: str, office: Office, now: datetime
) -> NextTicket:
    """Move the certificates of a card into the past; the card has to be in a reader.

    Raises:
        NotFound: the demonstration has no such card, or it is blank.
        TransitionRefused: it is not issued.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    wanted = card(name)
    row = db.session.scalar(select(Card).where(Card.guid == wanted.guid))
    if row is None:
        raise NotFound("demonstration-card", name)
    return age.start(
        row,
        AGE_DAYS,
        sid=sid,
        seat=seat,
        browser=browser,
        actor=None,
        office=office,
        now=now,
    )
