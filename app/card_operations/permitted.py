"""The rules of ``app.domain.card_services``, asked about the rows of one card and one actor.

Pages list what is offered, actions demand it: both ask here.
"""

from datetime import datetime

from app import scope
from app.card_operations import journal
from app.card_operations.certificates import key_being_made
from app.domain import card_services
from app.domain.card_services import CardFacts, CardService, Offer
from app.domain.days import day_of
from app.domain.principal import Principal
from app.domain.roles import decides_on_own
from app.domain.statuses import PersonStatus
from app.models import Card, Person
from reader_bridge.contract import Slot

# What, half done, stands in the way of something else on the card
HALF_DONE = ("renew", "repair", "issue", "erase")


def facts_of(card: Card, *, tries_left: int | None = None) -> CardFacts:
    """What the rules need to know of a card. ``tries_left`` is what the chip just said."""
    unfinished = journal.unfinished(card, *HALF_DONE)
    if unfinished is not None and unfinished.kind == "renew" and _nothing_is_issued(card):
        unfinished = None  # it begins anew, by the rules of today
    return CardFacts(
        status=card.status,
        expires_on=card.expires_on,
        self_renewals_in_row=card.self_renewals_in_row,
        tries_left=tries_left,
        unfinished=unfinished.kind if unfinished else None,
        holder_closed=card.person is not None and card.person.status is PersonStatus.CLOSED,
    )


def _nothing_is_issued(card: Card) -> bool:
    return key_being_made(card, Slot.SIGNATURE) is None


def reaches(agent: Principal, person: Person | None, *, now: datetime) -> bool:
    """Say whether the agent's role reaches a person. A card of nobody is in everybody's reach."""
    return person is None or scope.reaches(agent, person.id, today=day_of(now))


def offers_to_agent(
    agent: Principal, card: Card, *, now: datetime, tries_left: int | None = None
) -> list[Offer]:
    """Every service of a card, with the reason where the agent cannot use it now."""
    return card_services.services_for_agent(
        facts_of(card, tries_left=tries_left),
        role=agent.role,
        own=decides_on_own(agent.person_id, card.person_id),
        in_scope=reaches(agent, card.person, now=now),
        today=day_of(now),
    )


def demand(
    agent: Principal,
    card: Card,
    service: CardService,
    *,
    now: datetime,
    tries_left: int | None = None,
) -> Offer:
    """Return the offer of one service of a card to an agent.

    Raises:
        NotFound, NotAllowed, TooEarly, CardServiceRefused: as ``card_services.demand``.
    """
    offer = card_services.offer_to_agent(
        service,
        facts_of(card, tries_left=tries_left),
        role=agent.role,
        own=decides_on_own(agent.person_id, card.person_id),
        in_scope=reaches(agent, card.person, now=now),
        today=day_of(now),
    )
    return card_services.demand(offer)


def offers_to_holder(holder: Principal, card: Card, *, now: datetime) -> list[Offer]:
    """Every service of their own card to its holder, with the reason where it is not there now."""
    in_use = card.id == holder.card_id
    return card_services.services_for_holder(facts_of(card), in_use=in_use, today=day_of(now))


def demand_of_holder(
    holder: Principal, card: Card, service: CardService, *, now: datetime
) -> Offer:
    """Return the offer of one service of their own card to its holder. Raises as ``demand``."""
    offer = card_services.offer_to_holder(
        service,
        facts_of(card),
        in_use=card.id == holder.card_id,
        today=day_of(now),
    )
    return card_services.demand(offer)
