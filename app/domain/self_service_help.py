"""What an agent can do about somebody's self-service, and why something cannot be done.

The page shows both, disabled with the reason where they are not available; the action asks the
same function. Nobody can read an answer: there is no service for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.card_services import least_roles
from app.domain.errors import NotAllowed, RuleBroken
from app.domain.roles import Permission, Role, permissions_of


class Help(StrEnum):
    LIFT_BLOCK = "lift-block"
    END_REGISTRATION = "end-registration"


class HelpWhyNot(StrEnum):
    """Why it is not available. The first three are told as those of the services of a card."""

    OWN = "own-card"
    NEEDS_ROLE = "needs-role"  # roles
    HOLDER_CLOSED = "holder-closed"
    NOT_BLOCKED = "not-blocked"
    NOT_REGISTERED = "not-registered"


NEEDS: Mapping[Help, Permission] = {
    Help.LIFT_BLOCK: Permission.LIFT_BLOCK,
    Help.END_REGISTRATION: Permission.END_REGISTRATION,
}


@dataclass(frozen=True, kw_only=True)
class HelpOffer:
    """One thing that can be done. ``facts`` are the values of the reason's sentence."""

    help: Help
    reason: HelpWhyNot | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        return self.reason is None


class HelpRefused(RuleBroken):
    """The person's self-service does not allow it now."""

    reason = "self-service-help-refused"


def offer_help(
    help_: Help,
    *,
    role: Role | None,
    own: bool,
    registered: bool,
    blocked: bool,
    holder_closed: bool = False,
) -> HelpOffer:
    """Return whether an agent can do this, and if not, the first reason.

    ``own``: it is about the agent. A registration may be ended while it is blocked, and a block be
    lifted of whoever is not registered any more: both outlive each other.
    """
    if own:
        return HelpOffer(help=help_, reason=HelpWhyNot.OWN)
    if NEEDS[help_] not in permissions_of(role):
        roles = least_roles(NEEDS[help_])
        return HelpOffer(help=help_, reason=HelpWhyNot.NEEDS_ROLE, facts={"roles": roles})
    if help_ is Help.LIFT_BLOCK:
        if not blocked:
            return HelpOffer(help=help_, reason=HelpWhyNot.NOT_BLOCKED)
        if holder_closed:
            return HelpOffer(help=help_, reason=HelpWhyNot.HOLDER_CLOSED)
    elif not registered:
        return HelpOffer(help=help_, reason=HelpWhyNot.NOT_REGISTERED)
    return HelpOffer(help=help_)


def demand(offer: HelpOffer) -> None:
    """Pass where an offer is available.

    Raises:
        NotAllowed: not in this role, or about oneself.
        HelpRefused: the person's self-service does not allow it.
    """
    if offer.reason is None:
        return
    error: RuleBroken
    if offer.reason in (HelpWhyNot.OWN, HelpWhyNot.NEEDS_ROLE):
        error = NotAllowed(NEEDS[offer.help], reason=offer.reason)
    else:
        error = HelpRefused(offer.reason)
    error.facts |= {"help": offer.help, **offer.facts}
    raise error
