"""Who may do what: the table of the rules, read line by line."""

import pytest

from app.domain.errors import NotAllowed
from app.domain.roles import (
    HOLDER,
    WHO_MAY,
    Permission,
    Role,
    decides_on_own,
    permissions_of,
    roles_with,
)
from tests.parts.principals import principal_in

COLUMNS = (
    Role.RA_MANAGER,
    Role.ADVANCED_RA_AGENT,
    Role.RA_AGENT,
    Role.ID_CHECKER,
    Role.SPONSOR,
    Role.LOCAL_ADMINISTRATOR,
)
P = Permission

# The table of the rules as it is printed: RAM ARA RAA IDC S LSA
TABLE = {
    P.FIND_PERSON: "x x x x x x",
    P.CREATE_PERSON: "x x x x . .",
    P.CHANGE_PERSON: "x x x x . .",
    P.CLOSE_PERSON: "x x x . . .",
    P.ISSUE_CARD: "x x x . . .",
    P.CANCEL_CARD: "x x x . . .",
    P.SUSPEND_CARD: "x x x . . .",
    P.ERASE_CARD: "x x x . . .",
    P.UNLOCK_CARD: "x x x . x x",
    P.RENEW_CARD: "x x x . x x",
    P.REPAIR_CARD: "x x x . . .",
    P.ASSIGN_POSITION: "x x x . . .",
    P.MANAGE_POSITIONS: "x x . . . .",
    P.BATCH_WORK: "x x . . . .",
    P.FILE_REQUEST: ". . . . x .",
    P.DECIDE_REQUEST: "x x x . . .",
    P.REPORT_ON_CARDS: "x x x . x x",
    P.REPORT_ON_SIGN_INS: "x x x . . .",
    P.LIFT_BLOCK: "x x x . . .",
    P.END_REGISTRATION: "x x x . . .",
    P.MANAGE_ORGANISATIONS: "x . . . . .",
    P.MANAGE_TERMS: "x . . . . .",
    P.MANAGE_ROLES: "x . . . . .",
    P.READ_AUDIT: "x . . . . .",
    P.MANAGE_WORKSTATIONS: "x . . . . .",
}


@pytest.mark.parametrize("permission", Permission)
def test_a_role_may_what_the_table_says_and_nothing_else(permission):
    for role, mark in zip(COLUMNS, TABLE.get(permission, "").split(), strict=False):
        assert (permission in permissions_of(role)) is (mark == "x"), role


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_is_either_a_role_s_or_every_holder_s(permission):
    assert (permission in WHO_MAY) is not (permission in HOLDER)


@pytest.mark.parametrize("role", [None, *Role])
def test_everybody_is_a_card_holder(role):
    assert permissions_of(role) >= HOLDER


def test_a_card_holder_may_nothing_about_others():
    assert permissions_of(None) == HOLDER


def test_the_roles_that_a_disabled_button_names():
    assert roles_with(P.MANAGE_POSITIONS) == {Role.RA_MANAGER, Role.ADVANCED_RA_AGENT}
    assert roles_with(P.OWN_PROFILE) == frozenset()


def test_nobody_decides_on_their_own():
    assert decides_on_own(7, 3, 7)
    assert not decides_on_own(7, 3, None)


def test_a_role_that_may_not_is_told_which_permission_it_lacks():
    with pytest.raises(NotAllowed) as error:
        principal_in(Role.SPONSOR).demand(P.ISSUE_CARD)
    assert error.value.permission is P.ISSUE_CARD
    principal_in(Role.RA_AGENT).demand(P.ISSUE_CARD)
