"""Why a page does not reach the reader bridge, in the browser's own ways, and that it goes on."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.parts.chromium import Complaints, another_chromium, context_of
from tests.parts.pcscd import PrivatePcscd, private_pcscd
from tests.parts.service import Service
from tests.parts.states_of_readers import policy_forbids, too_many_pages
from tests.parts.visitor import HOLDER, Visitor
from tests.pcsc.program import Program

__all__ = ["private_pcscd"]


@pytest.fixture
def far_away(
    service: Service, browser: Browser, complaints: Complaints
) -> Iterator[BrowserContext]:
    """A browser that takes the service's address for one of the public internet."""
    address = urlsplit(service.origin).netloc
    option = f"--ip-address-space-overrides={address}=public"
    with (
        another_chromium(browser.browser_type, option) as other,
        context_of(other, service.origin, complaints) as context,
    ):
        yield context


def state(page: Page, name: str) -> Locator:
    """What the sign-in page shows of readers and bridge."""
    return page.locator(f"[data-live] [data-reader-state={name}]")


def check(page: Page, name: str) -> Locator:
    """What the reader check has come to."""
    return page.locator(f"[data-check={name}] [data-live]")


def test_a_browser_that_keeps_a_public_page_from_the_pc_is_told_apart_from_a_missing_bridge(
    far_away: BrowserContext,
) -> None:
    page = far_away.new_page()
    page.goto("/sign-in")
    expect(state(page, "browser-refused")).to_contain_text("Local network access")
    page.goto("/reader-check")
    expect(check(page, "browser")).to_contain_text("does not let this page reach")
    expect(check(page, "bridge")).to_contain_text("cannot tell while the browser")


def test_a_page_whose_person_has_allowed_it_reaches_the_bridge_from_the_public_internet(
    far_away: BrowserContext, service: Service
) -> None:
    far_away.grant_permissions(["local-network-access"])
    visitor = Visitor(far_away.new_page(), service)
    visitor.sign_in()


@pytest.mark.parametrize("address", ["/sign-in", "/reader-check"])
def test_a_policy_that_forbids_the_bridge_is_named_and_nothing_else_is_guessed(
    page: Page, service: Service, complaints: Complaints, address: str
) -> None:
    complaints.expect("connect-src|Content Security Policy")
    policy_forbids(address)(Visitor(page, service))
    if address == "/sign-in":
        expect(state(page, "policy-blocked")).to_contain_text("set up for different addresses")
    else:
        expect(check(page, "browser")).to_contain_text("own rules forbid it")
        expect(check(page, "bridge")).to_contain_text("cannot tell")


@pytest.mark.parametrize("address", ["/sign-in", "/reader-check"])
def test_a_page_for_which_the_bridge_has_no_room_says_so_and_goes_on_when_there_is(
    page: Page, service: Service, address: str
) -> None:
    too_many_pages(address)(Visitor(page, service))
    said = state(page, "too-many") if address == "/sign-in" else check(page, "bridge")
    expect(said).to_contain_text("Close other tabs of this service")
    page.context.pages[-1].close()
    found = state(page, "no-card") if address == "/sign-in" else check(page, "card")
    expect(found).to_be_visible()
    expect(page.get_by_text("Close other tabs")).to_have_count(0)


def test_a_card_in_another_program_s_hands_is_busy_until_it_can_be_read(
    page: Page, service: Service, private_pcscd: PrivatePcscd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(private_pcscd.socket))
    with service.bridge_with("pcsc"), Program(private_pcscd.environment) as program:
        private_pcscd.insert(0, service.installation.cards / f"{HOLDER}.json")
        reader = program.readers()[0]
        program.connect(reader)
        program.begin()
        page.goto("/reader-check")
        said = "another program is using the card"
        expect(check(page, "readers")).to_contain_text(said)
        program.end()
        page.get_by_role("button", name="Check again").click()
        expect(check(page, "card")).to_contain_text("issued by this service")
        expect(check(page, "readers")).to_contain_text("a card is in it")
