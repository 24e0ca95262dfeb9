"""Requests to the registration authority: filed, listed for those who may act, and fulfilled.

Filing and fulfilling are parts of other actions (a card reported lost, a card issued): they write
into the transaction of those, and the event of those says so.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from app import scope
from app.card_operations import base
from app.card_operations.base import Turn
from app.domain.principal import Principal
from app.domain.requests import (
    AWAITING,
    CARRIED_OUT_WITH,
    OPEN_STATES,
    RequestEvent,
    RequestKind,
    RequestState,
)
from app.domain.roles import Permission, decides_on_own
from app.extensions import db
from app.models import Card, Person, Request

PAGE = 25  # requests a page
COUNTED = 1000  # and "1,000+" beyond


@dataclass(frozen=True, kw_only=True)
class RequestRow:
    """One request, as lists show it. ``by`` is who filed it; ``own``: the reader or about them."""

    id: int
    kind: RequestKind
    state: RequestState
    reason: str
    filed_at: datetime
    by: str | None
    uuid: str | None
    name: str | None
    card_number: str | None
    own: bool


@dataclass(frozen=True, kw_only=True)
class Requests:
    """A page of requests, the oldest first. ``further`` is where the next page begins."""

    rows: list[RequestRow]
    further: int | None


@dataclass(frozen=True)
class Count:
    """How many; ``more`` says that there are more than were counted."""

    number: int
    more: bool = False


def file_card_request(
    person: Person, *, card: Card | None, reason: str, by: Principal | None, now: datetime
) -> Request:
    """Ask for a new card for a person: the request that is open already, or a new one.

    Part of the caller's action, which has locked a row of the person's or their card's.
    """
    open_one = db.session.scalar(_open_card_request(person.id))
    if open_one is not None:
        return open_one
    request = Request(
        kind=RequestKind.ISSUE_CARD,
        state=RequestState.SUBMITTED,
        organisation_id=person.organisation_id,
        subject_person_id=person.id,
        card_id=card.id if card else None,
        filed_by_id=by.person_id if by else None,
        reason=reason,
        filed_at=now,
        modified_at=now,
    )
    db.session.add(request)
    db.session.flush()
    return request


@base.when_done("issue")
def fulfil_card_request(turn: Turn) -> None:
    """A card has been issued: whoever waited for it waits no more."""
    assert turn.operation.person_id is not None
    waiting = _open_card_request(turn.operation.person_id).with_for_update()
    request = db.session.scalar(waiting)
    if request is not None:
        actor = turn.actor.person_id if turn.actor else None
        request.apply(RequestEvent.COMPLETE, by=actor, now=turn.now)


def awaiting(actor: Principal, *, after: int | None = None, limit: int = PAGE) -> Requests:
    """Return what waits for those of the actor's role, within its reach, the oldest first.

    Requests of the actor or about them are listed and marked: somebody else acts on those.

    Raises:
        NotAllowed: the actor decides on no requests.
    """
    actor.demand(Permission.DECIDE_REQUEST)
    wanted = _rows().where(_awaiting(actor)).order_by(Request.filed_at, Request.id)
    place = db.session.execute(
        select(Request.filed_at, Request.id).where(Request.id == after)
    ).one_or_none()
    if place is not None:
        wanted = wanted.where(tuple_(Request.filed_at, Request.id) > tuple_(*place))
    rows = _read(wanted.limit(limit + 1), actor)
    return Requests(rows=rows[:limit], further=rows[limit - 1].id if len(rows) > limit else None)


def awaiting_count(actor: Principal, *, counted: int = COUNTED) -> Count:
    """Count what waits for the actor: what they may act on, themselves excepted.

    Raises:
        NotAllowed: the actor decides on no requests.
    """
    actor.demand(Permission.DECIDE_REQUEST)
    others = or_(Request.filed_by_id.is_(None), Request.filed_by_id != actor.person_id)
    found = (
        select(Request.id)
        .where(_awaiting(actor), others, Request.subject_person_id != actor.person_id)
        .limit(counted + 1)
        .subquery()
    )
    number = db.session.scalar(select(func.count()).select_from(found)) or 0
    return Count(min(number, counted), number > counted)


def about(person_id: int, *, reader: Principal, limit: int = PAGE) -> list[RequestRow]:
    """Return the requests about a person, the newest first."""
    wanted = _rows().where(Request.subject_person_id == person_id)
    return _read(wanted.order_by(Request.id.desc()).limit(limit), reader)


def _open_card_request(person_id: int) -> Select[Request]:
    return select(Request).where(
        Request.subject_person_id == person_id,
        Request.kind == RequestKind.ISSUE_CARD,
        Request.state.in_(OPEN_STATES),
    )


def _awaiting(actor: Principal) -> ColumnElement[bool]:
    kinds = [kind for kind, needed in CARRIED_OUT_WITH.items() if actor.may(needed)]
    return and_(
        Request.organisation_id.in_(scope.organisations(actor)),
        Request.state.in_(AWAITING),
        Request.kind.in_(kinds),
    )


def _rows() -> Select[*tuple[Any, ...]]:
    filer = aliased(Person)
    return (
        select(
            Request.id,
            Request.kind,
            Request.state,
            Request.reason,
            Request.filed_at,
            Request.filed_by_id,
            Request.subject_person_id,
            Person.uuid,
            Person.given_name,
            Person.family_name,
            filer.given_name.label("filer_given"),
            filer.family_name.label("filer_family"),
            Card.number,
        )
        .outerjoin(Person, Person.id == Request.subject_person_id)
        .outerjoin(filer, filer.id == Request.filed_by_id)
        .outerjoin(Card, Card.id == Request.card_id)
    )


def _read(wanted: Select[*tuple[Any, ...]], reader: Principal) -> list[RequestRow]:
    return [
        RequestRow(
            id=row.id,
            kind=row.kind,
            state=row.state,
            reason=row.reason,
            filed_at=row.filed_at,
            by=f"{row.filer_given} {row.filer_family}" if row.filer_given else None,
            uuid=row.uuid,
            name=f"{row.given_name} {row.family_name}" if row.given_name else None,
            card_number=row.number,
            own=decides_on_own(reader.person_id, row.filed_by_id, row.subject_person_id),
        )
        for row in db.session.execute(wanted)
    ]
