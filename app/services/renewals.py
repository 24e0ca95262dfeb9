"""The renewal of a holder's own card as pages show it; what follows from renewals and repairs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.card_operations import base, journal, renew, repair
from app.card_operations.answers import NextTicket
from app.card_operations.base import Turn
from app.card_operations.certificates import key_being_made
from app.card_operations.office import Office
from app.domain.card_services import CardService, Offer
from app.domain.principal import Principal
from app.extensions import db
from app.models import Card
from app.services import card_mail, limits
from app.services.own_card import OwnCard, own_card
from app.services.sign_in import MOST_STARTS, STARTS_WINDOW
from reader_bridge.contract import Slot


class Standing(StrEnum):
    """How far a renewal had come that was cut off. What the card can do differs."""

    FIRST_KEY = "first-key"  # a new signature key may be there, and nobody knows it
    HALF = "half"  # the new signature key is proven; of the other nobody knows
    LAST_WORDS = "last-words"  # both are proven; the last certificate may not be written


@dataclass(frozen=True, kw_only=True)
class OwnRenewal:
    """``standing`` says where an interrupted one stands, None where there is none."""

    card: OwnCard
    offer: Offer
    standing: Standing | None


def own_renewal(actor: Principal, card_id: int, *, now: datetime) -> OwnRenewal:
    """Return whether the holder can renew this card of theirs, or has to go on with that.

    Raises:
        NotFound: there is no such card, or it is somebody else's.
    """
    card = own_card(actor, card_id, now=now)
    return OwnRenewal(
        card=card,
        offer=card.offer(CardService.RENEW),
        standing=standing(card_id),
    )


def standing(card_id: int) -> Standing | None:
    """Say where the interrupted renewal of a card stands, if it has come so far that it matters."""
    card = db.session.get_one(Card, card_id)
    operation = journal.unfinished(card, renew.KIND)
    if operation is None or not operation.facts.get("asked_to_make"):
        return None
    if key_being_made(card, Slot.SIGNATURE) is None:
        return Standing.FIRST_KEY
    proven = key_being_made(card, Slot.AUTHENTICATION) is not None
    return Standing.LAST_WORDS if proven else Standing.HALF


def continue_at_sign_in(
    guid: str,
    *,
    sid: str,
    seat: str,
    address: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Go on with a renewal whose card cannot sign in. Raises as ``renew.continue_at_sign_in``.

    ``address`` is where the page is.

    Raises:
        RateLimited: too many came from this address.
    """
    if address is not None:
        limits.count_try(f"sign-in {address}", limit=MOST_STARTS, window=STARTS_WINDOW, now=now)
    return renew.continue_at_sign_in(
        guid, sid=sid, seat=seat, browser=browser, office=office, now=now
    )


@base.when_done(renew.KIND)
def tell_of_renewal(turn: Turn) -> None:
    """Whoever's certificates were renewed hears of it, in case it was not them."""
    _tell(turn, "certificates-renewed")


@base.when_done(repair.KIND)
def tell_of_repair(turn: Turn) -> None:
    _tell(turn, "card-repaired")


def _tell(turn: Turn, template: str) -> None:
    helped = turn.actor is not None and turn.actor.person_id != turn.card.person_id
    card_mail.tell_holder(
        turn.card.person,
        template,
        now=turn.now,
        at=turn.now,
        by=turn.actor.name if helped and turn.actor else None,
        expires_on=turn.card.expires_on,
        **card_mail.card_facts(turn.card),
    )
