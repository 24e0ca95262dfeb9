"""Who may do what: the roles of the registration authority (RA), and what each one permits.

The table is the whole policy. Everybody is a card holder; a role adds to that, within its
organisation and that one's children.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """The RA roles. A person who has none acts as card holder."""

    RA_MANAGER = "ra-manager"
    ADVANCED_RA_AGENT = "advanced-ra-agent"
    RA_AGENT = "ra-agent"
    ID_CHECKER = "id-checker"
    SPONSOR = "sponsor"
    LOCAL_ADMINISTRATOR = "local-smartcard-administrator"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Role.RA_MANAGER: "RA Manager",
    Role.ADVANCED_RA_AGENT: "Advanced RA Agent",
    Role.RA_AGENT: "RA Agent",
    Role.ID_CHECKER: "RA ID Checker",
    Role.SPONSOR: "Sponsor",
    Role.LOCAL_ADMINISTRATOR: "Local Smartcard Administrator",
}


class Permission(StrEnum):
    # Every card holder, about themselves
    OWN_PROFILE = "own-profile"
    CHANGE_OWN_CONTACT_DETAILS = "change-own-contact-details"
    CHANGE_OWN_PASSCODE = "change-own-passcode"
    RENEW_OWN_CARD = "renew-own-card"
    REPORT_OWN_CARD = "report-own-card"
    OWN_SELF_SERVICE = "own-self-service"
    ACCEPT_TERMS = "accept-terms"
    CHANGE_ROLE = "change-role"
    OWN_EVENTS = "own-events"

    # RA roles, about others
    FIND_PERSON = "find-person"
    CREATE_PERSON = "create-person"
    CHANGE_PERSON = "change-person"
    CLOSE_PERSON = "close-person"
    ISSUE_CARD = "issue-card"
    CANCEL_CARD = "cancel-card"
    SUSPEND_CARD = "suspend-card"  # and resume
    ERASE_CARD = "erase-card"
    UNLOCK_CARD = "unlock-card"
    RENEW_CARD = "renew-card"  # in the window
    REPAIR_CARD = "repair-card"  # and the third renewal
    ASSIGN_POSITION = "assign-position"  # and end
    MANAGE_POSITIONS = "manage-positions"
    BATCH_WORK = "batch-work"
    FILE_REQUEST = "file-request"
    DECIDE_REQUEST = "decide-request"
    REPORT_ON_CARDS = "report-on-cards"  # cards and positions
    REPORT_ON_SIGN_INS = "report-on-sign-ins"
    LIFT_BLOCK = "lift-block"
    END_REGISTRATION = "end-registration"
    MANAGE_ORGANISATIONS = "manage-organisations"
    MANAGE_TERMS = "manage-terms"
    MANAGE_ROLES = "manage-roles"
    READ_AUDIT = "read-audit"
    MANAGE_WORKSTATIONS = "manage-workstations"  # and make install codes


_P, _R = Permission, Role

HOLDER = frozenset(
    {
        _P.OWN_PROFILE,
        _P.CHANGE_OWN_CONTACT_DETAILS,
        _P.CHANGE_OWN_PASSCODE,
        _P.RENEW_OWN_CARD,
        _P.REPORT_OWN_CARD,
        _P.OWN_SELF_SERVICE,
        _P.ACCEPT_TERMS,
        _P.CHANGE_ROLE,
        _P.OWN_EVENTS,
    }
)

_RAM, _ARA, _RAA = _R.RA_MANAGER, _R.ADVANCED_RA_AGENT, _R.RA_AGENT
_IDC, _S, _LSA = _R.ID_CHECKER, _R.SPONSOR, _R.LOCAL_ADMINISTRATOR
_AGENTS = frozenset({_RAM, _ARA, _RAA})

WHO_MAY: Mapping[Permission, frozenset[Role]] = {
    _P.FIND_PERSON:          frozenset(Role),
    _P.CREATE_PERSON:        _AGENTS | {_IDC},
    _P.CHANGE_PERSON:        _AGENTS | {_IDC},
    _P.CLOSE_PERSON:         _AGENTS,
    _P.ISSUE_CARD:           _AGENTS,
    _P.CANCEL_CARD:          _AGENTS,
    _P.SUSPEND_CARD:         _AGENTS,
    _P.ERASE_CARD:           _AGENTS,
    _P.UNLOCK_CARD:          _AGENTS | {_S, _LSA},
    _P.RENEW_CARD:           _AGENTS | {_S, _LSA},
    _P.REPAIR_CARD:          _AGENTS,
    _P.ASSIGN_POSITION:      _AGENTS,
    _P.MANAGE_POSITIONS:     frozenset({_RAM, _ARA}),
    _P.BATCH_WORK:           frozenset({_RAM, _ARA}),
    _P.FILE_REQUEST:         frozenset({_S}),
    _P.DECIDE_REQUEST:       _AGENTS,
    _P.REPORT_ON_CARDS:      _AGENTS | {_S, _LSA},
    _P.REPORT_ON_SIGN_INS:   _AGENTS,
    _P.LIFT_BLOCK:           _AGENTS,
    _P.END_REGISTRATION:     _AGENTS,
    _P.MANAGE_ORGANISATIONS: frozenset({_RAM}),
    _P.MANAGE_TERMS:         frozenset({_RAM}),
    _P.MANAGE_ROLES:         frozenset({_RAM}),
    _P.READ_AUDIT:           frozenset({_RAM}),
    _P.MANAGE_WORKSTATIONS:  frozenset({_RAM}),
}  # fmt: skip


def permissions_of(role: Role | None) -> frozenset[Permission]:
    """Return what a person may do who acts in ``role``; ``None`` is a card holder only."""
    if role is None:
        return HOLDER
    return HOLDER | {permission for permission, roles in WHO_MAY.items() if role in roles}


def roles_with(permission: Permission) -> frozenset[Role]:
    """Return the roles that add ``permission``; none for what every holder may do."""
    return WHO_MAY.get(permission, frozenset())


def decides_on_own(actor_person: int, *people: int | None) -> bool:
    """Say whether the actor is one of the people concerned: nobody decides on their own."""
    return actor_person in people
