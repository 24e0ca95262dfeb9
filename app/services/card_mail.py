"""Who is told of what happens to a card, and where. Part of the action that it tells of."""

from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Card, Person
from app.services import outbox


def tell_holder(person: Person | None, template: str, *, now: datetime, **facts: Any) -> None:
    """Write to a card's holder, where there is an address."""
    if person is not None and person.email:
        outbox.queue(person.email, template, now=now, name=person.name, **facts)


def tell_ra(person: Person | None, template: str, *, now: datetime, **facts: Any) -> bool:
    """Write to the registration authority of a person's organisation; False without an address."""
    address = ra_address(person.organisation.name) if person is not None else None
    if address is None:
        return False
    outbox.queue(address, template, now=now, person=person, **facts)
    return True


def tell_line_manager(person: Person, template: str, *, now: datetime, **facts: Any) -> bool:
    """Write to a person's line manager; False where there is none with an address."""
    manager = db.session.scalar(select(Person).where(Person.id == person.line_manager_id))
    if manager is None or not manager.email:
        return False
    outbox.queue(manager.email, template, now=now, name=manager.name, person=person, **facts)
    return True


def ra_address(organisation: str) -> str | None:
    """Return the address of an organisation's own desk, else the team's, else None."""
    contacts: dict[str, Any] = current_app.config.get("CONTACTS") or {}
    for desk in contacts.get("desks", ()):
        if desk.get("organisation") == organisation and desk.get("email"):
            return str(desk["email"])
    email = contacts.get("email")
    return str(email) if email else None


def card_facts(card: Card) -> dict[str, Any]:
    """What mail says of a card: the number that is printed on it."""
    return {"number": card.number}
