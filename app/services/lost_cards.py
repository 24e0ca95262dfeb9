"""A card that was lost or broke while it was being issued or erased: nobody can go on with it.

What was begun ends, and the card is cancelled. What was sent to it is kept, so that it can be
erased should it turn up: from then on it is a cancelled card of the person whom it was meant for.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import audit, scope
from app.card_operations import erase, issue, journal, lost, stopping
from app.card_operations.certificates import revoke
from app.card_operations.refusals import CardInHand, OperationOver
from app.domain.cancelling import REVOCATIONS, CancelReason
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.card_services import WhyNot
from app.domain.days import day_of
from app.domain.errors import NotAllowed, NotFound
from app.domain.principal import Principal
from app.domain.roles import Permission, decides_on_own
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Card, CardOperation, Person

REASONS = (CancelReason.LOST, CancelReason.STOLEN, CancelReason.DAMAGED)


@dataclass(frozen=True)
class Begun:
    """What was begun last with a card, and for whom."""

    operation: CardOperation
    card: Card
    person: Person


def standing(actor: Principal, uuid: str, card_id: int, *, now: datetime) -> Begun:
    """Return what stands still on a card that is to be given up. The card need not be there.

    Raises:
        NotFound: no such person, out of reach, or nothing of that kind was begun for them.
        NotAllowed: not in this role, or for oneself.
        OperationOver: it has ended meanwhile.
    """
    begun = _begun(actor, uuid, card_id, now=now)
    if begun.operation.state.is_over:
        raise OperationOver(state=begun.operation.state.value)
    return begun


def give_up(
    actor: Principal,
    uuid: str,
    card_id: int,
    *,
    reason: CancelReason,
    note: str,
    browser: str,
    now: datetime,
) -> None:
    """End what stands still on a card that is lost or broken, and cancel the card. Commits.

    Whoever presses twice has done it once.

    Raises: what ``standing`` raises, and
        CardInHand: somebody is at work on the card at this moment.
    """
    stopping.locked(card_id)  # a result on its way is waited for
    db.session.expire_all()
    begun = _begun(actor, uuid, card_id, now=now)
    operation, card = begun.operation, begun.card
    if operation.state.is_over:
        if lost.is_marked(operation):
            return
        raise OperationOver(state=operation.state.value)
    free_at = journal.in_hand_until(card, browser, now)
    if free_at is not None:
        raise CardInHand(free_at=free_at)
    for certificate in card.certificates:
        revoke(certificate, REVOCATIONS[reason], now)
    if operation.kind == issue.KIND:
        issue.give_up(operation, actor=actor, now=now)
    else:
        operation.give_up(now)
        _record(erase.ERASE.event, Outcome.FAILED, begun, actor, reason, note, now)
    lost.mark(operation, reason)
    if card.status is CardStatus.BLANK:
        card.apply(CardEvent.CANCEL, now=now)
        card.person_id = begun.person.id
        _record("card.cancelled", Outcome.DONE, begun, actor, reason, note, now)
    db.session.commit()


def _begun(actor: Principal, uuid: str, card_id: int, *, now: datetime) -> Begun:
    actor.demand(Permission.ISSUE_CARD)
    person = scope.person(actor, uuid, today=day_of(now))
    if decides_on_own(actor.person_id, person.id):
        raise NotAllowed(Permission.ISSUE_CARD, reason=WhyNot.OWN_CARD)
    operation = db.session.scalar(
        select(CardOperation)
        .where(
            CardOperation.card_id == card_id,
            CardOperation.person_id == person.id,
            CardOperation.kind.in_((issue.KIND, erase.KIND)),
        )
        .order_by(CardOperation.id.desc())
        .limit(1)
    )
    if operation is None or operation.card is None:
        raise NotFound("card", card_id)
    return Begun(operation, operation.card, person)


def _record(
    event: str,
    outcome: Outcome,
    begun: Begun,
    actor: Principal,
    reason: CancelReason,
    note: str,
    now: datetime,
) -> None:
    audit.record(
        event,
        outcome=outcome,
        actor=actor,
        subject_person_id=begun.person.id,
        subject_card_id=begun.card.id,
        now=now,
        reason=reason.value,
        note=note,
        operation=begun.operation.public_id,
    )
