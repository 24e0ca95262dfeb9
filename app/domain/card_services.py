"""What can be done with a card, by its holder and by an agent, and why something cannot.

The table of ``card_lifecycle`` says what a status permits, ``roles`` what a role does; here both
meet the calendar and the people. The page shows every service, disabled with its reason where it
is not available; the action asks the same functions (``demand``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from app.domain.card_lifecycle import TRANSITIONS, CardEvent, CardStatus, shown_status
from app.domain.days import start_of
from app.domain.errors import NotAllowed, NotFound, RuleBroken, TooEarly
from app.domain.renewal import Renewal, renewal_state
from app.domain.roles import Permission, Role, permissions_of, roles_with


class CardService(StrEnum):
    RENEW = "renew"
    UNLOCK = "unlock"
    REPAIR = "repair"
    ISSUE = "issue"
    CHANGE_PASSCODE = "change-passcode"
    CANCEL = "cancel"
    SUSPEND = "suspend"
    RESUME = "resume"
    ERASE = "erase"
    REPORT = "report"  # lost, stolen, damaged, or used by someone else: the holder's own


class WhyNot(StrEnum):
    """Why a service is not available. Templates have the sentences (components/why_not.html)."""

    OWN_CARD = "own-card"  # nobody manages their own card
    OUT_OF_SCOPE = "out-of-scope"
    NEEDS_ROLE = "needs-role"  # roles
    HOLDER_CLOSED = "holder-closed"
    NOT_IN_USE = "not-in-use"  # the holder signed in with another card
    BLANK = "blank"  # issued to nobody
    NOT_BLANK = "not-blank"  # somebody's, status
    NOT_ERASED = "not-erased"  # cancelled, and to be erased before it is issued again
    LOCKED = "locked"  # unlock first
    SUSPENDED = "suspended"  # resume first
    NOT_SUSPENDED = "not-suspended"
    EXPIRED = "expired"  # repair instead; expires_on
    CANCELLED = "cancelled"  # for good
    NOT_CANCELLED = "not-cancelled"  # cancel first
    NOT_YET = "not-yet"  # opens_on, expires_on
    THIRD_RENEWAL = "third-renewal"  # roles
    BEING_CHANGED = "being-changed"  # an operation stands still: doing


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What the rules need to know of a card and its holder.

    ``status`` is the stored one; ``tries_left`` is what the chip said, where it was just read;
    ``unfinished`` is the kind of the card operation that stands still on it, if one does.
    """

    status: CardStatus
    expires_on: date | None
    self_renewals_in_row: int
    tries_left: int | None = None
    unfinished: str | None = None
    holder_closed: bool = False

    def shown(self, today: date) -> CardStatus:
        return shown_status(self.status, self.expires_on, today=today, tries_left=self.tries_left)

    @property
    def locked(self) -> bool:
        """Whether the passcode is blocked; the calendar hides that in the status shown."""
        if self.status not in (CardStatus.ISSUED, CardStatus.LOCKED):
            return False
        return self.status is CardStatus.LOCKED if self.tries_left is None else not self.tries_left


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One service of a card. ``facts`` are the values of the reason's sentence, and of the
    page's: ``continues`` (it goes on with what stands still), ``repair_follows``, ``replaces``.
    """

    service: CardService
    reason: WhyNot | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        return self.reason is None


class CardServiceRefused(RuleBroken):
    """The card, its holder or the calendar does not allow this service now."""

    reason = "card-service-refused"


_C, _P, _E = CardService, Permission, CardEvent

# In the order in which pages list them
FOR_AGENTS: Mapping[CardService, tuple[Permission, CardEvent]] = {
    _C.RENEW:           (_P.RENEW_CARD,   _E.RENEW),
    _C.UNLOCK:          (_P.UNLOCK_CARD,  _E.UNLOCK),
    _C.REPAIR:          (_P.REPAIR_CARD,  _E.REPAIR),
    _C.ISSUE:           (_P.ISSUE_CARD,   _E.ISSUE),
    _C.CHANGE_PASSCODE: (_P.UNLOCK_CARD,  _E.CHANGE_PASSCODE),
    _C.CANCEL:          (_P.CANCEL_CARD,  _E.CANCEL),
    _C.SUSPEND:         (_P.SUSPEND_CARD, _E.SUSPEND),
    _C.RESUME:          (_P.SUSPEND_CARD, _E.RESUME),
    _C.ERASE:           (_P.ERASE_CARD,   _E.ERASE),
}  # fmt: skip
FOR_HOLDERS: Mapping[CardService, Permission] = {
    _C.CHANGE_PASSCODE: _P.CHANGE_OWN_PASSCODE,
    _C.RENEW:           _P.RENEW_OWN_CARD,
    _C.REPORT:          _P.REPORT_OWN_CARD,
}  # fmt: skip

# What takes a card out of use is possible for a closed person too
_ENDS = frozenset({_C.CANCEL, _C.SUSPEND, _C.ERASE})
# What stands still on a card, and all that can be done with its chip before that is finished. What
# is not here (unlock, change passcode) leaves a card in good order wherever it was cut off.
_MEANWHILE: Mapping[str, frozenset[CardService]] = {
    "renew": frozenset({_C.RENEW, _C.REPAIR, _C.UNLOCK, _C.ERASE}),
    "repair": frozenset({_C.REPAIR, _C.UNLOCK, _C.ERASE}),
    "issue": frozenset({_C.ISSUE, _C.ERASE}),
    "erase": frozenset({_C.ERASE}),
}
# What needs no chip, and is never in the way of what is written to one
_ON_PAPER = frozenset({_C.CANCEL, _C.SUSPEND, _C.RESUME, _C.REPORT})


def services_for_agent(
    card: CardFacts, *, role: Role | None, own: bool, in_scope: bool, today: date
) -> list[Offer]:
    """Return what an agent can do with a card, every service in its place.

    ``own``: the card is the agent's own; ``in_scope``: the holder belongs to the agent's
    organisation or one of its children (a card of nobody is in everybody's scope).
    ``today`` is a day in London.
    """
    return [
        offer_to_agent(service, card, role=role, own=own, in_scope=in_scope, today=today)
        for service in FOR_AGENTS
    ]


def offer_to_agent(
    service: CardService,
    card: CardFacts,
    *,
    role: Role | None,
    own: bool,
    in_scope: bool,
    today: date,
) -> Offer:
    """Return whether an agent can do one thing with a card, and if not, the first reason."""
    permission, event = FOR_AGENTS[service]
    if own:
        return _no(service, WhyNot.OWN_CARD)
    if not in_scope:
        return _no(service, WhyNot.OUT_OF_SCOPE)
    if permission not in permissions_of(role):
        return _no(service, WhyNot.NEEDS_ROLE, roles=least_roles(permission))
    if card.holder_closed and service not in _ENDS:
        return _no(service, WhyNot.HOLDER_CLOSED)
    return _as_the_card_allows(service, event, card, role=role, today=today)


def services_for_holder(card: CardFacts, *, in_use: bool, today: date) -> list[Offer]:
    """Return what holders can do with a card of their own.

    ``in_use``: they are signed in with this very card. ``today`` is a day in London.
    """
    return [offer_to_holder(service, card, in_use=in_use, today=today) for service in FOR_HOLDERS]


def offer_to_holder(service: CardService, card: CardFacts, *, in_use: bool, today: date) -> Offer:
    """Return whether holders can do one thing with their card, and if not, the first reason."""
    if service is CardService.REPORT:
        if card.status is CardStatus.CANCELLED:
            return _no(service, WhyNot.CANCELLED)
        if card.status is CardStatus.BLANK:
            return _no(service, WhyNot.BLANK)
        return _yes(service)
    _, event = FOR_AGENTS[service]
    offer = _as_the_card_allows(service, event, card, role=None, today=today)
    if offer.available and not in_use:
        return _no(service, WhyNot.NOT_IN_USE)
    return offer


def offer_to_issue(
    *,
    role: Role | None,
    own: bool,
    in_scope: bool,
    holder_closed: bool,
    replaces: str | None = None,
    unfinished: bool = False,
) -> Offer:
    """Return whether an agent can issue a new card to a person.

    ``own``: the person is the agent; ``replaces`` is the number of the card that the person has
    now: it is cancelled once the new one is proven. ``unfinished``: an issue to this person stands
    still, and goes on.
    """
    service, permission = CardService.ISSUE, Permission.ISSUE_CARD
    if own:
        return _no(service, WhyNot.OWN_CARD)
    if not in_scope:
        return _no(service, WhyNot.OUT_OF_SCOPE)
    if permission not in permissions_of(role):
        return _no(service, WhyNot.NEEDS_ROLE, roles=least_roles(permission))
    if holder_closed:
        return _no(service, WhyNot.HOLDER_CLOSED)
    facts = {"replaces": replaces, "continues": unfinished}
    return _yes(service, **{name: value for name, value in facts.items() if value})


def demand(offer: Offer) -> Offer:
    """Return an offer that is available.

    Raises:
        NotFound: the card is out of the actor's scope; it looks as if there were none.
        NotAllowed: not in this role, or one's own card.
        TooEarly: the window opens later.
        CardServiceRefused: the card, its holder or the calendar does not allow it.
    """
    if offer.reason is None:
        return offer
    error: RuleBroken
    match offer.reason:
        case WhyNot.OUT_OF_SCOPE:
            raise NotFound("card")
        case WhyNot.OWN_CARD | WhyNot.NEEDS_ROLE:
            error = NotAllowed(FOR_AGENTS[offer.service][0], reason=offer.reason)
        case WhyNot.NOT_YET:
            error = TooEarly(offer.reason, start_of(offer.facts["opens_on"]))
        case _:
            error = CardServiceRefused(offer.reason)
    error.facts |= {"service": offer.service, **offer.facts}
    raise error


def least_roles(permission: Permission) -> tuple[Role, ...]:
    """Return the roles to ask for ``permission``: an RA Agent stands for those above."""
    roles = roles_with(permission)
    if Role.RA_AGENT in roles:
        roles -= {Role.RA_MANAGER, Role.ADVANCED_RA_AGENT}
    elif Role.ADVANCED_RA_AGENT in roles:
        roles -= {Role.RA_MANAGER}
    return tuple(role for role in Role if role in roles)


def _as_the_card_allows(
    service: CardService, event: CardEvent, card: CardFacts, *, role: Role | None, today: date
) -> Offer:
    status = card.status
    if status in (CardStatus.ISSUED, CardStatus.LOCKED):
        status = CardStatus.LOCKED if card.locked else CardStatus.ISSUED
    if (status, event) not in TRANSITIONS:
        return _no(service, _by_status(service, status), status=status)
    meanwhile = _MEANWHILE.get(card.unfinished or "")
    if meanwhile is not None and service not in _ON_PAPER | meanwhile:
        return _no(service, WhyNot.BEING_CHANGED, doing=card.unfinished)
    if service == card.unfinished:
        return _yes(service, continues=True)  # begun in its time
    shown = card.shown(today)
    if service is CardService.RENEW:
        return _renewal(card, shown, role=role, today=today)
    if shown is CardStatus.EXPIRED and service in (_C.UNLOCK, _C.CHANGE_PASSCODE):
        return _yes(service, repair_follows=True)
    return _yes(service)


def _by_status(service: CardService, status: CardStatus) -> WhyNot:
    """The reason for which the table of the card's life has no such move."""
    match service:
        case CardService.ISSUE:
            return WhyNot.NOT_ERASED if status is CardStatus.CANCELLED else WhyNot.NOT_BLANK
        case CardService.ERASE:
            return WhyNot.NOT_CANCELLED
        case CardService.RESUME if status in (CardStatus.ISSUED, CardStatus.LOCKED):
            return WhyNot.NOT_SUSPENDED
    return {
        CardStatus.BLANK: WhyNot.BLANK,
        CardStatus.LOCKED: WhyNot.LOCKED,
        CardStatus.SUSPENDED: WhyNot.SUSPENDED,
        CardStatus.CANCELLED: WhyNot.CANCELLED,
    }[status]


def _renewal(card: CardFacts, shown: CardStatus, *, role: Role | None, today: date) -> Offer:
    service = CardService.RENEW
    state = renewal_state(
        status=shown,
        expires_on=card.expires_on,
        self_renewals_in_row=card.self_renewals_in_row,
        today=today,
    )
    window = {"opens_on": state.opens_on, "expires_on": state.expires_on}
    match state.state:
        case Renewal.OPEN:
            return _yes(service, days_left=state.days_left, **window)
        case Renewal.ASSISTED if Permission.REPAIR_CARD in permissions_of(role):
            return _yes(service, days_left=state.days_left, **window)
        case Renewal.ASSISTED:
            roles = least_roles(Permission.REPAIR_CARD)
            return _no(service, WhyNot.THIRD_RENEWAL, roles=roles, **window)
        case Renewal.NOT_YET:
            return _no(service, WhyNot.NOT_YET, **window)
        case Renewal.EXPIRED:
            return _no(service, WhyNot.EXPIRED, **window)
    return _no(service, WhyNot.BLANK)  # issued, and without a day of expiry: nothing to renew


def _yes(service: CardService, **facts: Any) -> Offer:
    return Offer(service=service, facts=facts)


def _no(service: CardService, reason: WhyNot, **facts: Any) -> Offer:
    return Offer(service=service, reason=reason, facts=facts)
