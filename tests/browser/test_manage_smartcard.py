"""Manage Smartcard with two readers: every service, as an agent and a user do it together."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.parts.chip_and_database import believed, guid_of, in_chip
from tests.parts.chromium import Complaints
from tests.parts.second_reader import (
    AGENT,
    BLANK,
    CANCELLED,
    EXPIRED,
    EXPIRING,
    LOCKED,
    NEW,
    Counter,
)
from tests.parts.service import Service
from tests.parts.visitor import CARDS, HOLDER, Visitor


@pytest.fixture
def counter(page: Page, service: Service, complaints: Complaints) -> Counter:
    complaints.expect_status(422)  # what is missing or wrong is said in the form's place
    return Counter(Visitor(page, service))


def signs_in_with(counter: Counter, card: str, passcode: str) -> None:
    """The user takes the card to their own PC."""
    visitor = counter.visitor
    visitor.watches()
    visitor.service.desk.clear()
    expect(visitor.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    visitor.show_card(card)
    visitor.enter(passcode)
    visitor.reach_dashboard()


def test_both_readers_are_shown_with_the_owner_and_the_uuid_of_their_card(counter: Counter) -> None:
    counter.open()
    own = counter.main.get_by_role("region", name="Your card")
    users = counter.main.get_by_role("region", name="The user’s card")
    expect(own).to_contain_text("Bryn Llewellyn")
    expect(own).to_contain_text("5002\u00a00030\u00a00102")
    expect(own).to_contain_text("Virtual reader 1")
    expect(users).to_contain_text("Grace Adeyemi")
    expect(users).to_contain_text("5002\u00a00030\u00a00107")
    expect(users).to_contain_text("Virtual reader 2")
    expect(counter.main.get_by_alt_text("Photo of Grace Adeyemi")).to_be_visible()


def test_an_agent_renews_with_the_holder_who_types_the_passcode(counter: Counter) -> None:
    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    counter.type_passcode(EXPIRING)
    counter.press("Continue")
    counter.sees_done("Certificates renewed")


def test_a_locked_card_is_unlocked_with_a_passcode_of_the_users_own(counter: Counter) -> None:
    counter.open(LOCKED)
    counter.choose("Unlock")
    counter.type_new_passcode()
    counter.press("Unlock")
    counter.sees_done("Card unlocked")
    signs_in_with(counter, LOCKED, NEW)


def test_the_passcode_is_changed_with_help(counter: Counter) -> None:
    counter.open()
    counter.choose("Change passcode")
    counter.type_passcode(HOLDER, "User’s current passcode")
    counter.type_new_passcode()
    counter.press("Continue")
    counter.sees_done("Passcode changed")
    signs_in_with(counter, HOLDER, NEW)


def test_an_expired_card_is_repaired_after_an_identity_check(counter: Counter) -> None:
    counter.open(EXPIRED)
    counter.main.get_by_role("link", name="Repair", exact=True).click()
    counter.check_identity("Approve the repair")
    counter.type_passcode(EXPIRED)
    counter.press("Continue")
    counter.sees_done("Card repaired")


def test_a_blank_card_is_issued_after_an_identity_check(counter: Counter) -> None:
    page = counter.visitor.page
    counter.open(BLANK)
    page.get_by_label("Given and family name").fill("500200300108")
    counter.press("Search")
    page.get_by_role("link", name="Issue a Smartcard").click()
    counter.check_identity("Approve the issue")
    counter.type_new_passcode()
    counter.press("Issue this card")
    counter.sees_done("Card issued")
    link = page.get_by_role("link", name="Print the card").get_attribute("href")
    printed = page.request.get(link or "")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.body().startswith(b"%PDF-")
    signs_in_with(counter, BLANK, NEW)


def test_a_card_that_is_not_here_is_cancelled_for_good_with_the_agents_signature(
    counter: Counter,
) -> None:
    page = counter.visitor.page
    counter.open(None)
    page.goto("/people/500200300107")
    page.get_by_role("link", name=re.compile("^Service")).click()
    page.get_by_role("link", name="Cancel", exact=True).click()
    counter.press("Continue")
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_label("Lost").check()
    counter.press("Continue")
    expect(page.get_by_label("Ask for a new card")).to_be_checked()
    page.get_by_label("What should be known").fill("Left on the bus 42")
    counter.visitor.type_passcode(CARDS[AGENT].passcode, "Your own passcode")
    counter.press("Cancel this card")
    counter.sees_done("Card cancelled")


def test_a_card_is_suspended_and_resumed_without_being_here(counter: Counter) -> None:
    page = counter.visitor.page
    counter.open(None)
    page.goto("/people/500200300107")
    page.get_by_role("link", name=re.compile("^Service")).click()
    page.get_by_role("link", name="Suspend", exact=True).click()
    counter.press("Suspend this card")
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_label("Why is the card suspended").fill("On leave")
    counter.press("Suspend this card")
    expect(counter.main).to_contain_text("The card is suspended")
    page.get_by_role("link", name="Resume", exact=True).click()
    counter.press("Resume this card")
    expect(counter.main).to_contain_text("The card can be used again")


def test_a_cancelled_card_is_erased_and_nothing_of_its_holder_stays_in_it(
    counter: Counter, service: Service
) -> None:
    page, guid = counter.visitor.page, guid_of(service, CANCELLED)
    counter.open(CANCELLED)
    counter.choose("Erase")
    counter.press("Erase this card")
    counter.sees_done("Card erased")
    erased = believed(service, guid)
    assert (erased.status, erased.unfinished, erased.certificates) == ("cancelled", [], {})
    assert in_chip(service, CANCELLED) == {}
    page.goto("/manage-smartcard")
    expect(counter.main.locator("[data-second=blank]")).to_be_visible()
