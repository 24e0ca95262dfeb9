"""Giving up a card whose issue was cut off: it is erased, and blank again for anybody."""

from datetime import datetime

from sqlalchemy import Select, select

from app import scope
from app.card_operations import erase, erased, issue
from app.card_operations.answers import NextTicket
from app.card_operations.office import Office
from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of
from app.domain.errors import NotFound
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.extensions import db
from app.models import Card, CardOperation, Person


def begun_with(person: Person, guid: str | None, serial: str | None = None) -> CardOperation | None:
    """The issue to a person, or its erasing, that stands still on the card that shows this.

    An emptied card shows nothing: then it is the erasing that had come so far, of a chip with this
    serial number. Another card may have been taken for it: it may be erased again.
    """
    for operation in db.session.scalars(_begun(person)):
        assert operation.card is not None
        if guid is None:
            another = erased.is_another_chip(operation.card, serial)
            is_it = bool(operation.facts.get("emptying")) and not another
        else:
            is_it = guid.lower() in (operation.card.guid, operation.facts["shown_guid"])
        if is_it:
            return operation
    blank = select(Card).filter_by(guid=(guid or "").lower(), status=CardStatus.BLANK)
    card = db.session.scalar(blank)
    unsure = erased.unsure(card) if card is not None else None
    return unsure if unsure is not None and unsure.person_id == person.id else None


def stands(person: Person) -> bool:
    """Say whether there is a card that was begun for a person and may be given up."""
    return db.session.scalar(_begun(person).limit(1)) is not None


def cards_begun(person: Person) -> list[Card]:
    """The cards that were begun for a person and stand still, the newest first."""
    found = [operation.card for operation in db.session.scalars(_begun(person))]
    return [card for card in found if card is not None]


def _begun(person: Person) -> Select[CardOperation]:
    return (
        select(CardOperation)
        .join(Card, Card.id == CardOperation.card_id)
        .where(
            CardOperation.person_id == person.id,
            CardOperation.kind.in_((issue.KIND, erase.KIND)),
            CardOperation.finished_at.is_(None),
            Card.status == CardStatus.BLANK,
        )
        .order_by(CardOperation.id.desc())
    )


def start(
    actor: Principal,
    uuid: str,
    *,
    guid: str | None,
    serial: str | None,
    sid: str,
    seat: str,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Erase the card in the second reader, whose issue to this person was begun. Commits.

    ``guid`` and ``serial`` are what that card shows and says of its chip, if it does.

    Raises:
        NotFound: no such person, out of reach, or nothing was begun with this card for them.
        NotAllowed: not in this role.
        and what ``erase.start`` raises.
    """
    actor.demand(Permission.ERASE_CARD)
    person = scope.person(actor, uuid, today=day_of(now))
    begun = begun_with(person, guid, serial)
    if begun is None or begun.card is None:
        raise NotFound("card")
    return erase.start(
        actor,
        begun.card,
        guid=guid,
        serial=serial,
        sid=sid,
        seat=seat,
        browser=browser,
        office=office,
        now=now,
    )
