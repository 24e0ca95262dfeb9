"""The card in an agent's second reader: whose it is, and who may know.

What a page says that it has read is believed for showing a record alone; each card operation has
the card prove itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import audit, scope
from app.card_operations import approve, erase, erased, issue, journal
from app.card_operations.office import Office
from app.card_operations.which_card import which_card
from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of
from app.domain.errors import NotFound
from app.domain.presented_card import PresentedCard
from app.domain.principal import Principal
from app.domain.second_card import SecondCard, second_card
from app.domain.statuses import OperationState, Outcome
from app.extensions import db
from app.models import Card, CardOperation, Person
from app.services import limits


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is in the second reader. ``person`` is its holder, where the agent may know of them."""

    what: SecondCard
    card: Card | None = None
    person: Person | None = None
    unfinished: CardOperation | None = None


def look(actor: Principal, shown: PresentedCard, *, office: Office, now: datetime) -> Found:
    """Say what a card is, and write down that a person's record was looked at. Commits.

    One insertion of a card is one look.
    """
    card = which_card(shown.guid, shown.certificates)
    begun = None
    if card is not None:
        begun = journal.unfinished(card, issue.KIND, erase.KIND) or erased.unsure(card)
    person = card.person if card is not None else None
    if person is None and begun is not None:
        person = begun.person
    what = second_card(
        unreadable=shown.error is not None,
        virtual_refused=shown.virtual and not office.virtual_cards_allowed,
        known=card is not None,
        blank=shown.guid is None or shown.blank,
        same=card is not None and card.id == actor.card_id,
        issued=card is not None and card.status is not CardStatus.BLANK,
        holder_is_agent=person is not None and person.id == actor.person_id,
        has_holder=person is not None,
        in_scope=person is not None and scope.reaches(actor, person.id, today=day_of(now)),
    )
    if what not in (SecondCard.HELD, SecondCard.HALF_ISSUED):
        return Found(what=what)
    assert person is not None
    assert card is not None
    _note_look(actor, person, card, seat=shown.seat, now=now)
    return Found(what=what, card=card, person=person, unfinished=begun)


def card(card_id: int) -> Card:
    """Return a card that was looked at."""
    return db.session.get_one(Card, card_id)


def uuid_of(person_id: int) -> str:
    """Return the number of a person whom an operation is about."""
    return db.session.get_one(Person, person_id).uuid


def note_service(actor: Principal, card: Card, *, now: datetime) -> None:
    """Write down, once in a session, that a card was taken up through its holder. Commits."""
    assert card.person is not None
    _note_look(actor, card.person, card, seat="service", now=now, by="service")


def done_by(actor: Principal, public_id: str) -> CardOperation:
    """Return an operation that this agent has finished with.

    Raises:
        NotFound: there is none, it is somebody else's, or it is not done.
    """
    row = db.session.scalar(select(CardOperation).where(CardOperation.public_id == public_id))
    if (
        row is None
        or row.actor_person_id != actor.person_id
        or row.state is not OperationState.DONE
    ):
        raise NotFound("card-operation", public_id)
    return row


def done_facts(row: CardOperation, *, now: datetime) -> dict[str, Any]:
    """Return whose card an operation was about, for the page that says that it is done."""
    card = row.card
    if row.kind == approve.KIND:
        concerned = approve.act_of(row).card_id
        card = db.session.get(Card, concerned) if concerned is not None else None
    # A card that is not to be issued after all belongs to nobody
    person = card.person or row.person if card is not None else None
    if card is None or person is None:
        raise NotFound("card")
    return {
        "holder": person,
        "card": card,
        "expires_on": card.expires_on,
        "expired": card.expires_on is not None and card.expires_on < day_of(now),
        "said": (row.steps[-1].answer or {}).get("facts", {}) if row.steps else {},
    }


def _note_look(
    actor: Principal, person: Person, card: Card, *, seat: str, now: datetime, by: str = "card"
) -> None:
    if limits.is_first(f"look:{actor.session_id}:{card.id}:{seat}"[:100], now=now):
        audit.record(
            "person.looked-at",
            outcome=Outcome.DONE,
            actor=actor,
            subject_person_id=person.id,
            subject_card_id=card.id,
            now=now,
            by=by,
        )
    db.session.commit()
