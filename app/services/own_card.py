"""A holder's own card, as its page shows it."""

from dataclasses import dataclass
from datetime import date, datetime

from app.card_operations import permitted
from app.domain.card_lifecycle import CardStatus, shown_status
from app.domain.card_services import CardService, Offer
from app.domain.days import day_of
from app.domain.errors import NotFound
from app.domain.passcode import PasscodeRule
from app.domain.principal import Principal
from app.extensions import db
from app.models import Card


@dataclass(frozen=True, kw_only=True)
class OwnCard:
    """``in_use`` says that the holder is signed in with this very card."""

    id: int
    guid: str
    number: str
    type: str
    manufacturer: str
    status: CardStatus
    expires_on: date | None
    in_use: bool
    virtual: bool
    rule: PasscodeRule
    old_passcode_only: bool
    offers: list[Offer]

    def offer(self, service: CardService) -> Offer:
        return next(offer for offer in self.offers if offer.service == service)


def own_card(actor: Principal, card_id: int, *, now: datetime) -> OwnCard:
    """Return a card of the person signed in.

    Raises:
        NotFound: there is no such card, or it is somebody else's: both look the same.
    """
    card = db.session.get(Card, card_id)
    if card is None or card.person_id != actor.person_id:
        raise NotFound("card", card_id)
    return OwnCard(
        id=card.id,
        guid=card.guid,
        number=card.number,
        type=card.type,
        manufacturer=card.manufacturer,
        status=shown_status(card.status, card.expires_on, today=day_of(now)),
        expires_on=card.expires_on,
        in_use=card.id == actor.card_id,
        virtual=card.virtual,
        rule=card.passcode_rule,
        old_passcode_only=card.new_passcode_refused,
        offers=permitted.offers_to_holder(actor, card, now=now),
    )
