"""What an agent can do about somebody's self-service: the roles, and each reason why not."""

import pytest

from app.domain.errors import NotAllowed
from app.domain.roles import Role
from app.domain.self_service_help import Help, HelpRefused, HelpWhyNot, demand, offer_help

AGENTS = {Role.RA_MANAGER, Role.ADVANCED_RA_AGENT, Role.RA_AGENT}
LIFT, END = Help.LIFT_BLOCK, Help.END_REGISTRATION


def reason(help_: Help, role: Role | None = Role.RA_AGENT, **facts: bool) -> HelpWhyNot | None:
    known = {"own": False, "registered": True, "blocked": True, **facts}
    return offer_help(help_, role=role, **known).reason


@pytest.mark.parametrize("help_", Help)
@pytest.mark.parametrize("role", [*Role, None])
def test_agents_may_and_others_are_told_which_role_it_needs(help_: Help, role: Role | None) -> None:
    expected = None if role in AGENTS else HelpWhyNot.NEEDS_ROLE
    offer = offer_help(help_, role=role, own=False, registered=True, blocked=True)
    assert offer.reason == expected
    assert offer.facts.get("roles") == (None if expected is None else (Role.RA_AGENT,))


@pytest.mark.parametrize(
    ("help_", "facts", "expected"),
    [
        (LIFT, {"own": True}, HelpWhyNot.OWN),
        (END, {"own": True}, HelpWhyNot.OWN),
        (LIFT, {"blocked": False}, HelpWhyNot.NOT_BLOCKED),
        (LIFT, {"registered": False}, None),
        (LIFT, {"holder_closed": True}, HelpWhyNot.HOLDER_CLOSED),
        (END, {"registered": False}, HelpWhyNot.NOT_REGISTERED),
        (END, {"blocked": False}, None),
        (END, {"holder_closed": True}, None),
    ],
)
def test_the_first_reason_is_told(
    help_: Help, facts: dict[str, bool], expected: HelpWhyNot | None
) -> None:
    assert reason(help_, **facts) == expected


def test_the_action_asks_the_same() -> None:
    known = {"role": Role.RA_AGENT, "registered": True, "blocked": False}
    demand(offer_help(END, own=False, **known))
    with pytest.raises(HelpRefused) as refused:
        demand(offer_help(LIFT, own=False, **known))
    assert (refused.value.reason, refused.value.facts["help"]) == ("not-blocked", LIFT)
    with pytest.raises(NotAllowed) as forbidden:
        demand(offer_help(END, own=True, **known))
    assert forbidden.value.reason == "own-card"
