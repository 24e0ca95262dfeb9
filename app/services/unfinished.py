"""Card operations that stopped half way: whose, since when, and who may go on with them.

Only what has changed a card, or may have, is worth a word: a sign-in that nobody finished, or an
operation that got no further than looking at the card, is simply begun anew.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, or_, select
from sqlalchemy.orm import aliased

from app import scope
from app.card_operations import change_passcode, erase, issue, renew, repair, unlock
from app.card_operations.base import KINDS
from app.card_operations.journal import IN_HAND
from app.card_operations.which_passcode import CONFIRM
from app.domain.card_services import CardService
from app.domain.days import day_of
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation, CardOperationStep, Person, UtcDateTime

SHOWN = 10  # on a page
SERVICES = {
    issue.KIND: CardService.ISSUE,
    renew.KIND: CardService.RENEW,
    repair.KIND: CardService.REPAIR,
    unlock.KIND: CardService.UNLOCK,
    change_passcode.KIND: CardService.CHANGE_PASSCODE,
    erase.KIND: CardService.ERASE,
}


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """One operation that stands still. ``by`` is who began it, or went on with it last.

    ``is_nobodys``: the card was never issued, so that it is found through whom it is meant for.
    """

    service: CardService
    card_id: int
    number: str
    since: datetime
    by: str | None
    uuid: str | None
    holder: str | None
    is_nobodys: bool


_actor = aliased(Person)


def of_person(person_id: int, *, now: datetime) -> list[Stopped]:
    """Return what stands still on a person's cards, or on one that is being made for them."""
    return _read(_OF_PERSON, {"person_id": person_id, "free": now - IN_HAND})


def in_reach(actor: Principal, *, now: datetime) -> list[Stopped]:
    """Return what stands still with the people whom an agent reaches, the newest first."""
    if not actor.may(Permission.FIND_PERSON):
        return []
    reached = scope.organisations(actor)
    whom = scope.belongs(reached, day_of(now))
    others = CardOperation.person_id != actor.person_id
    return _read(_STOPPED.where(others, whom), {"free": now - IN_HAND})


def changed_the_card() -> ColumnElement[bool]:
    """The condition under which an operation may have changed its card.

    A change of passcode does it with its first ticket: it matters while its answer is missing, or
    while the card is asked which passcode it has.
    """
    step = CardOperationStep
    of_this = step.operation_id == CardOperation.id
    firsts = {kind: KINDS[kind].first_step for kind in SERVICES if kind != change_passcode.KIND}
    further = or_(
        *(
            and_(CardOperation.kind == kind, exists().where(of_this, step.name != first))
            for kind, first in firsts.items()
        )
    )
    lost = and_(
        CardOperation.kind == change_passcode.KIND,
        or_(
            CardOperation.step == CONFIRM,
            and_(
                CardOperation.state == OperationState.OPEN,
                exists().where(of_this, step.answered_at.is_(None)),
            ),
        ),
    )
    return or_(further, lost)


def nobody_is_at_it(free: ColumnElement[Any] | datetime) -> ColumnElement[bool]:
    """The condition under which no page waits for the card any more.

    ``free``: who has had no ticket since then is at it no more, `IN_HAND` ago.
    """
    return or_(CardOperation.state == OperationState.WAITING, CardOperation.updated_at <= free)


# Put together once: the profile and the dashboard ask it at every visit
_STOPPED = (
    select(
        CardOperation.kind,
        CardOperation.updated_at,
        Card.id,
        Card.number,
        Card.person_id,
        Person.uuid,
        Person.given_name,
        Person.family_name,
        _actor.given_name.label("by_given"),
        _actor.family_name.label("by_family"),
    )
    .join(Card, Card.id == CardOperation.card_id)
    .outerjoin(Person, Person.id == CardOperation.person_id)
    .outerjoin(_actor, _actor.id == CardOperation.actor_person_id)
    .where(
        CardOperation.finished_at.is_(None),
        CardOperation.kind.in_(tuple(SERVICES)),
        changed_the_card(),
        nobody_is_at_it(bindparam("free", type_=UtcDateTime())),
    )
    .order_by(CardOperation.updated_at.desc())
    .limit(SHOWN)
)
_OF_PERSON = _STOPPED.where(CardOperation.person_id == bindparam("person_id"))


def _read(wanted: Select[*tuple[Any, ...]], asked: dict[str, Any]) -> list[Stopped]:
    newest: dict[tuple[int, str], Stopped] = {}
    for row in db.session.execute(wanted, asked):
        found = Stopped(
            service=SERVICES[row.kind],
            card_id=row.id,
            number=row.number,
            since=row.updated_at,
            by=f"{row.by_given} {row.by_family}" if row.by_given else None,
            uuid=row.uuid,
            holder=f"{row.given_name} {row.family_name}" if row.uuid else None,
            is_nobodys=row.person_id is None,
        )
        newest.setdefault((row.id, row.kind), found)
    return list(newest.values())
