"""Printing a card that was issued: who stands on it, and that it was printed."""

from dataclasses import dataclass
from datetime import datetime

from app import audit, scope
from app.domain.days import day_of
from app.domain.errors import Conflict, NotFound
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import Outcome
from app.extensions import db
from app.services import profile
from app.services.card_layout import Printed, card_pdf


@dataclass(frozen=True)
class Print:
    number: str
    pdf: bytes


def of_card(actor: Principal, uuid: str, card_id: int, *, now: datetime) -> Print:
    """Return the print of a person's card, and record it. Commits.

    Raises:
        NotAllowed: the actor may not issue cards.
        NotFound: no such person or card, or out of reach.
        Conflict: "card-not-issued".
    """
    actor.demand(Permission.ISSUE_CARD)
    card = scope.card(actor, uuid, card_id, today=day_of(now))
    if card.issued_at is None or card.person is None:
        raise Conflict("card-not-issued")
    person = card.person
    printed = Printed(
        title=person.title,
        given_name=person.given_name,
        family_name=person.family_name,
        uuid=person.uuid,
        number=card.number,
        photo=_photo(person.id),
        at=now,
    )
    audit.record(
        "card.printed",
        outcome=Outcome.DONE,
        actor=actor,
        subject_person_id=person.id,
        subject_card_id=card.id,
        now=now,
    )
    made = Print(card.number, card_pdf(printed))
    db.session.commit()
    return made


def _photo(person_id: int) -> bytes | None:
    try:
        return profile.photo(person_id)[0]
    except NotFound:
        return None
