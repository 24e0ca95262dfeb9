"""What can be done with a card: every role meets every status and every part of the calendar."""

from datetime import date, timedelta
from itertools import product

import pytest

from app.domain.card_lifecycle import CardStatus
from app.domain.card_services import (
    FOR_AGENTS,
    FOR_HOLDERS,
    CardFacts,
    CardService,
    CardServiceRefused,
    Offer,
    WhyNot,
    demand,
    least_roles,
    offer_to_agent,
    offer_to_holder,
    offer_to_issue,
    services_for_agent,
    services_for_holder,
)
from app.domain.days import start_of
from app.domain.errors import NotAllowed, NotFound, TooEarly
from app.domain.roles import Permission, Role, permissions_of

S = CardService
LAST = date(2027, 6, 1)
OPENS = LAST - timedelta(days=90)
DAY = timedelta(days=1)
STORED = [status for status in CardStatus if status is not CardStatus.EXPIRED]
TODAYS = {
    "before the window": OPENS - DAY,
    "its first day": OPENS,
    "the last day": LAST,
    "the day after": LAST + DAY,
}
ROLES: list[Role | None] = [None, *Role]
RA = {Role.RA_MANAGER, Role.ADVANCED_RA_AGENT, Role.RA_AGENT}
OF_PEOPLE = {WhyNot.OWN_CARD, WhyNot.OUT_OF_SCOPE, WhyNot.NEEDS_ROLE}
UNFINISHED = [None, "renew", "repair", "issue", "unlock", "erase", "change-passcode"]
HELPERS = RA | {Role.SPONSOR, Role.LOCAL_ADMINISTRATOR}


def available(offers: list[Offer]) -> set[CardService]:
    return {offer.service for offer in offers if offer.available}


def card(status: CardStatus = CardStatus.ISSUED, **facts) -> CardFacts:
    return CardFacts(**{"expires_on": LAST, "self_renewals_in_row": 0, **facts, "status": status})


def to_agent(service: CardService, facts: CardFacts, role=Role.RA_AGENT, today=OPENS) -> Offer:
    return offer_to_agent(service, facts, role=role, own=False, in_scope=True, today=today)


def to_holder(service: CardService, facts: CardFacts, today=OPENS, in_use=True) -> Offer:
    return offer_to_holder(service, facts, in_use=in_use, today=today)


# What each status permits an RA agent, in the window, after it, and before it.
IN_WINDOW = {
    CardStatus.BLANK: {S.ISSUE, S.CANCEL, S.ERASE},
    CardStatus.ISSUED: {S.RENEW, S.UNLOCK, S.REPAIR, S.CHANGE_PASSCODE, S.CANCEL, S.SUSPEND},
    CardStatus.LOCKED: {S.UNLOCK, S.CANCEL, S.SUSPEND},
    CardStatus.SUSPENDED: {S.CANCEL, S.RESUME},
    CardStatus.CANCELLED: {S.ERASE},
}
# What each role adds.
BY_ROLE = {
    None: set(),
    Role.ID_CHECKER: set(),
    Role.SPONSOR: {S.RENEW, S.UNLOCK, S.CHANGE_PASSCODE},
    Role.LOCAL_ADMINISTRATOR: {S.RENEW, S.UNLOCK, S.CHANGE_PASSCODE},
    **{role: set(FOR_AGENTS) for role in RA},
}


@pytest.mark.parametrize("when", TODAYS)
@pytest.mark.parametrize("status", STORED)
@pytest.mark.parametrize("role", ROLES)
def test_an_agent_can_do_what_role_status_and_calendar_permit_together(role, status, when):
    wanted = IN_WINDOW[status] & BY_ROLE[role]
    if when in ("before the window", "the day after"):
        wanted = wanted - {S.RENEW}
    offers = services_for_agent(
        card(status), role=role, own=False, in_scope=True, today=TODAYS[when]
    )
    assert available(offers) == wanted


@pytest.mark.parametrize("status", STORED)
@pytest.mark.parametrize("role", ROLES)
def test_every_service_is_always_listed_and_what_is_not_available_says_why(role, status):
    for when, own, in_scope, unfinished, closed in product(
        TODAYS, [True, False], [True, False], UNFINISHED, [True, False]
    ):
        facts = card(status, unfinished=unfinished, holder_closed=closed)
        offers = services_for_agent(
            facts, role=role, own=own, in_scope=in_scope, today=TODAYS[when]
        )
        assert [offer.service for offer in offers] == list(FOR_AGENTS)
        for offer in offers:
            assert offer.available is (offer.reason is None)
            if own or not in_scope:
                assert offer.reason is (WhyNot.OWN_CARD if own else WhyNot.OUT_OF_SCOPE)
            elif FOR_AGENTS[offer.service][0] not in permissions_of(role):
                assert offer.reason is WhyNot.NEEDS_ROLE
            else:
                assert offer.reason not in OF_PEOPLE


@pytest.mark.parametrize("role", ROLES)
def test_nobody_manages_their_own_card(role):
    offers = services_for_agent(card(), role=role, own=True, in_scope=True, today=OPENS)
    assert {offer.reason for offer in offers} == {WhyNot.OWN_CARD}


@pytest.mark.parametrize(
    ("status", "service", "reason"),
    [
        (CardStatus.LOCKED, S.RENEW, WhyNot.LOCKED),
        (CardStatus.LOCKED, S.REPAIR, WhyNot.LOCKED),
        (CardStatus.LOCKED, S.CHANGE_PASSCODE, WhyNot.LOCKED),
        (CardStatus.LOCKED, S.RESUME, WhyNot.NOT_SUSPENDED),
        (CardStatus.LOCKED, S.ISSUE, WhyNot.NOT_BLANK),
        (CardStatus.ISSUED, S.ISSUE, WhyNot.NOT_BLANK),
        (CardStatus.ISSUED, S.RESUME, WhyNot.NOT_SUSPENDED),
        (CardStatus.ISSUED, S.ERASE, WhyNot.NOT_CANCELLED),
        (CardStatus.SUSPENDED, S.RENEW, WhyNot.SUSPENDED),
        (CardStatus.SUSPENDED, S.UNLOCK, WhyNot.SUSPENDED),
        (CardStatus.SUSPENDED, S.SUSPEND, WhyNot.SUSPENDED),
        (CardStatus.SUSPENDED, S.ERASE, WhyNot.NOT_CANCELLED),
        (CardStatus.CANCELLED, S.CANCEL, WhyNot.CANCELLED),
        (CardStatus.CANCELLED, S.RESUME, WhyNot.CANCELLED),
        (CardStatus.CANCELLED, S.UNLOCK, WhyNot.CANCELLED),
        (CardStatus.CANCELLED, S.ISSUE, WhyNot.NOT_ERASED),
        (CardStatus.BLANK, S.UNLOCK, WhyNot.BLANK),
        (CardStatus.BLANK, S.RESUME, WhyNot.BLANK),
    ],
)
def test_a_status_that_does_not_permit_a_service_says_what_comes_first(status, service, reason):
    offer = to_agent(service, card(status))
    assert (offer.reason, offer.facts["status"]) == (reason, status)


def test_before_the_window_the_reason_is_the_day_on_which_it_opens():
    for offer in (
        to_agent(S.RENEW, card(), today=OPENS - DAY),
        to_holder(S.RENEW, card(), today=OPENS - DAY),
    ):
        assert offer.reason is WhyNot.NOT_YET
        assert (offer.facts["opens_on"], offer.facts["expires_on"]) == (OPENS, LAST)


@pytest.mark.parametrize("today", [LAST + DAY, LAST + timedelta(days=4000)])
def test_an_expired_card_is_repaired_and_never_renewed(today):
    for role in HELPERS:
        offer = to_agent(S.RENEW, card(), role, today)
        assert (offer.reason, offer.facts["expires_on"]) == (WhyNot.EXPIRED, LAST)
    assert to_holder(S.RENEW, card(), today).reason is WhyNot.EXPIRED
    assert to_agent(S.REPAIR, card(), today=today).available


@pytest.mark.parametrize("status", [CardStatus.ISSUED, CardStatus.LOCKED])
def test_an_expired_card_can_be_unlocked_and_a_repair_follows(status):
    offer = to_agent(S.UNLOCK, card(status), today=LAST + DAY)
    assert offer.available
    assert offer.facts["repair_follows"]


def test_a_card_that_is_locked_and_expired_is_unlocked_before_its_repair():
    locked = card(CardStatus.LOCKED)
    assert to_agent(S.REPAIR, locked, today=LAST + DAY).reason is WhyNot.LOCKED
    chip_says = card(tries_left=0)
    assert to_agent(S.REPAIR, chip_says, today=LAST + DAY).reason is WhyNot.LOCKED


@pytest.mark.parametrize("renewals", [2, 3])
def test_the_third_renewal_needs_an_ra_agent(renewals):
    third = card(self_renewals_in_row=renewals)
    assert to_holder(S.RENEW, third).reason is WhyNot.THIRD_RENEWAL
    for role in HELPERS - RA:
        offer = to_agent(S.RENEW, third, role)
        assert (offer.reason, offer.facts["roles"]) == (WhyNot.THIRD_RENEWAL, (Role.RA_AGENT,))
    assert all(to_agent(S.RENEW, third, role).available for role in RA)


def test_what_the_chip_says_of_its_tries_counts_more_than_what_is_kept():
    assert to_agent(S.RENEW, card(tries_left=0)).reason is WhyNot.LOCKED
    assert to_agent(S.RENEW, card(tries_left=1)).available
    assert to_agent(S.RENEW, card(CardStatus.LOCKED, tries_left=3)).available


@pytest.mark.parametrize("service", FOR_AGENTS)
def test_a_closed_persons_card_can_only_be_taken_out_of_use(service):
    offer = to_agent(service, card(holder_closed=True))
    if service in (S.CANCEL, S.SUSPEND):
        assert offer.available
    elif service is S.ERASE:
        assert offer.reason is WhyNot.NOT_CANCELLED
    else:
        assert offer.reason is WhyNot.HOLDER_CLOSED


# What stands still


@pytest.mark.parametrize(
    ("unfinished", "meanwhile"),
    [
        ("renew", {S.RENEW, S.REPAIR, S.UNLOCK, S.CANCEL, S.SUSPEND}),
        ("repair", {S.REPAIR, S.UNLOCK, S.CANCEL, S.SUSPEND}),
        ("unlock", IN_WINDOW[CardStatus.ISSUED]),
        ("change-passcode", IN_WINDOW[CardStatus.ISSUED]),
        ("terms", IN_WINDOW[CardStatus.ISSUED]),
    ],
)
def test_what_stands_still_on_a_card_is_finished_before_its_keys_are_touched(unfinished, meanwhile):
    offers = services_for_agent(
        card(unfinished=unfinished), role=Role.RA_AGENT, own=False, in_scope=True, today=OPENS
    )
    assert available(offers) == meanwhile
    held_up = [offer for offer in offers if offer.reason is WhyNot.BEING_CHANGED]
    assert all(offer.facts["doing"] == unfinished for offer in held_up)


def test_an_issue_that_stands_still_goes_on_or_is_given_up():
    offers = services_for_agent(
        card(CardStatus.BLANK, unfinished="issue", expires_on=None),
        role=Role.RA_AGENT, own=False, in_scope=True, today=OPENS,
    )  # fmt: skip
    assert available(offers) == {S.ISSUE, S.CANCEL, S.ERASE}


def test_a_card_cancelled_halfway_is_erased():
    for doing in ("renew", "repair", "erase"):
        assert to_agent(S.ERASE, card(CardStatus.CANCELLED, unfinished=doing)).available
        offer = to_agent(S.RENEW, card(CardStatus.CANCELLED, unfinished=doing))
        assert offer.reason is WhyNot.CANCELLED


@pytest.mark.parametrize("today", [LAST, LAST + DAY])
def test_a_renewal_begun_in_its_time_goes_on_after_it(today):
    standing = card(unfinished="renew")
    assert to_holder(S.RENEW, standing, today).facts == {"continues": True}
    assert to_agent(S.RENEW, standing, today=today).facts == {"continues": True}


def test_a_renewal_on_a_card_locked_meanwhile_waits_for_the_unlocking():
    assert to_agent(S.RENEW, card(CardStatus.LOCKED, unfinished="renew")).reason is WhyNot.LOCKED


# Holders


@pytest.mark.parametrize("status", STORED)
def test_holders_see_every_service_of_theirs(status):
    offers = services_for_holder(card(status), in_use=True, today=OPENS)
    assert [offer.service for offer in offers] == list(FOR_HOLDERS)


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (CardStatus.ISSUED, {S.RENEW, S.CHANGE_PASSCODE, S.REPORT}),
        (CardStatus.LOCKED, {S.REPORT}),
        (CardStatus.SUSPENDED, {S.REPORT}),
        (CardStatus.CANCELLED, set()),
        (CardStatus.BLANK, set()),
    ],
)
def test_what_holders_can_do_depends_on_the_status(status, wanted):
    assert available(services_for_holder(card(status), in_use=True, today=OPENS)) == wanted


def test_a_card_other_than_the_one_in_use_can_only_be_reported():
    offers = services_for_holder(card(), in_use=False, today=OPENS)
    assert available(offers) == {S.REPORT}
    assert {o.reason for o in offers if not o.available} == {WhyNot.NOT_IN_USE}


# Issuing to a person


def to_issue(**changed) -> Offer:
    asked = {"role": Role.RA_AGENT, "own": False, "in_scope": True, "holder_closed": False}
    return offer_to_issue(**(asked | changed))


@pytest.mark.parametrize("role", ROLES)
def test_a_card_is_issued_by_the_registration_authority(role):
    assert to_issue(role=role).available is (role in RA)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"own": True}, WhyNot.OWN_CARD),
        ({"in_scope": False}, WhyNot.OUT_OF_SCOPE),
        ({"role": Role.SPONSOR}, WhyNot.NEEDS_ROLE),
        ({"holder_closed": True}, WhyNot.HOLDER_CLOSED),
    ],
)
def test_a_card_is_not_issued_to_oneself_strangers_or_closed_people(changed, reason):
    assert to_issue(**changed).reason is reason


def test_an_issue_says_which_card_it_replaces_and_whether_it_goes_on():
    assert to_issue().facts == {}
    assert to_issue(replaces="555012345678").facts == {"replaces": "555012345678"}
    assert to_issue(unfinished=True).facts == {"continues": True}


# Demands


def test_what_is_available_is_handed_back():
    offer = to_agent(S.CANCEL, card())
    assert demand(offer) is offer


@pytest.mark.parametrize("reason", WhyNot)
def test_a_demand_that_is_refused_carries_service_reason_and_facts(reason):
    facts = {"opens_on": OPENS} if reason is WhyNot.NOT_YET else {"status": CardStatus.LOCKED}
    with pytest.raises((NotAllowed, NotFound, TooEarly, CardServiceRefused)) as error:
        demand(Offer(service=S.RENEW, reason=reason, facts=facts))
    if reason is WhyNot.OUT_OF_SCOPE:
        assert isinstance(error.value, NotFound)
        assert error.value.facts == NotFound("card").facts
        return
    assert error.value.reason == reason
    assert error.value.facts["service"] is S.RENEW
    assert facts.items() <= error.value.facts.items()


def test_too_early_says_when():
    with pytest.raises(TooEarly) as error:
        demand(to_agent(S.RENEW, card(), today=OPENS - DAY))
    assert error.value.opens == start_of(OPENS)


def test_a_refused_role_is_no_matter_of_the_card():
    with pytest.raises(NotAllowed) as error:
        demand(to_agent(S.CANCEL, card(), Role.SPONSOR))
    assert error.value.permission is Permission.CANCEL_CARD


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.REPAIR_CARD, (Role.RA_AGENT,)),
        (Permission.BATCH_WORK, (Role.ADVANCED_RA_AGENT,)),
        (Permission.READ_AUDIT, (Role.RA_MANAGER,)),
        (Permission.UNLOCK_CARD, (Role.RA_AGENT, Role.SPONSOR, Role.LOCAL_ADMINISTRATOR)),
        (Permission.OWN_PROFILE, ()),
    ],
)
def test_the_roles_to_ask_for_are_the_least_that_will_do(permission, roles):
    assert least_roles(permission) == roles
