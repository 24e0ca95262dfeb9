"""Rows that tests start from: an organisation, a person, a card in their hand, a session."""

import itertools
from datetime import date, datetime
from typing import Any, TypeVar

from app.domain.card_lifecycle import CardStatus
from app.domain.names import folded
from app.domain.roles import Role
from app.domain.statuses import PositionSource
from app.extensions import db
from app.models import Assignment, Card, Organisation, Person, Position
from app.services import sessions
from tests.parts.clock import START

Kept = TypeVar("Kept")

_numbers = itertools.count(100_000_000_001)
_codes = itertools.count(1)


def an_organisation(**columns: Any) -> Organisation:
    organisation = Organisation(
        **{"code": f"T{next(_codes):04}", "name": "Test Hospital", **columns}
    )
    return _kept(organisation)


def a_person(now: datetime = START, **columns: Any) -> Person:
    names = {"given_name": "Ada", "family_name": "Lovelace", **columns}
    return _kept(
        Person(
            **{
                "uuid": str(next(_numbers)),
                "title": "Dr",
                "given_folded": folded(names["given_name"]),
                "family_folded": folded(names["family_name"]),
                "organisation": columns.get("organisation") or an_organisation(),
                "created_at": now,
                "modified_at": now,
                **names,
            }
        )
    )


def a_card(person: Person | None, now: datetime = START, **columns: Any) -> Card:
    number = next(_numbers)
    return _kept(
        Card(
            **{
                "guid": f"{number:032x}",
                "number": str(number),
                "profile": "virtual",
                "status": CardStatus.ISSUED if person else CardStatus.BLANK,
                "person": person,
                "issued_at": now if person else None,
                "modified_at": now,
                **columns,
            }
        )
    )


def an_assignment(
    person: Person,
    role: Role | None = None,
    *,
    organisation: Organisation | None = None,
    start: date = date(2020, 1, 1),
    end: date | None = None,
    now: datetime = START,
) -> Assignment:
    position = _kept(
        Position(
            code=f"P{next(_codes):04}",
            name=role.label if role else "Clinician",
            organisation=organisation or person.organisation,
            source=PositionSource.LOCAL,
            role=role,
        )
    )
    return _kept(
        Assignment(person_id=person.id, position=position, start=start, end=end, modified_at=now)
    )


def a_session(card: Card, now: datetime = START, **what: Any) -> str:
    """Begin a session with a card, as the end of a sign-in does, and return its token."""
    assert card.person is not None
    token = sessions.begin(
        **{
            "person": card.person,
            "card": card,
            "assignment_id": None,
            "seat": "seat-1",
            "bridge_instance": "bridge-1",
            "workstation_id": None,
            "browser": "b" * 64,
            "now": now,
            **what,
        }
    )
    db.session.commit()
    return token


def a_principal(
    role: Role | None = None, now: datetime = START, *, organisation: Organisation | None = None
) -> sessions.Principal:
    """Sign in somebody new with a card of their own, in a role."""
    person = a_person(now, **({"organisation": organisation} if organisation else {}))
    assignment = an_assignment(person, role) if role else None
    token = a_session(a_card(person, now), now, assignment_id=assignment.id if assignment else None)
    principal = sessions.load(token, now)
    assert principal is not None
    return principal


def signed_in(card: Card, now: datetime = START) -> sessions.Principal:
    """Sign in the holder of a card, as card holder only."""
    principal = sessions.load(a_session(card, now), now)
    assert principal is not None
    return principal


def _kept(row: Kept) -> Kept:
    db.session.add(row)
    db.session.commit()
    return row
