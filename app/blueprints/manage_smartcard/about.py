"""Whom a page is about, and the service that it is for: asked in the same way by every page."""

from dataclasses import dataclass
from typing import Any

from app import clock, scope
from app.blueprints.permissions import principal
from app.card_operations import permitted
from app.domain.card_services import CardService, Offer
from app.domain.days import day_of
from app.models import Card
from app.services import profile, second_reader
from app.services.profile import CardRow, Profile


@dataclass(frozen=True)
class About:
    """A person's card, a service of it, and that the agent may use it now."""

    card: Card
    person: Profile
    device: CardRow
    offer: Offer

    def shown(self) -> dict[str, Any]:
        """What the templates of these pages are given."""
        return {"person": self.person, "device": self.device, "offer": self.offer}


def about(uuid: str, card_id: int, service: CardService) -> About:
    """Return what a page of this service is about; the look at the record leaves its event.

    Raises:
        NotFound: no such person or card, or out of reach.
        NotAllowed, TooEarly, CardServiceRefused: the service is not available, and why.
    """
    now = clock.now()
    card = scope.card(principal(), uuid, card_id, today=day_of(now))
    offer = permitted.demand(principal(), card, service, now=now)
    second_reader.note_service(principal(), card, now=now)
    return _about(card, offer)


def about_after(card: Card, service: CardService) -> About:
    """Return the same after the card has answered, whatever the answer has made of the service."""
    offers = permitted.offers_to_agent(principal(), card, now=clock.now())
    return _about(card, next(offer for offer in offers if offer.service is service))


def _about(card: Card, offer: Offer) -> About:
    today = day_of(clock.now())
    assert card.person_id is not None
    return About(
        card=card,
        person=profile.read(card.person_id, today=today),
        device=profile.own_card(card.id, today=today),
        offer=offer,
    )
