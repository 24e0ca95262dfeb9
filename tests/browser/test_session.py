"""The session belongs to the card: what ends it, in every tab, and what does not."""

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.parts.answers_on_the_way import on_answers
from tests.parts.chromium import Complaints
from tests.parts.desk import READER_1
from tests.parts.service import Service
from tests.parts.visitor import HOLDER, MANAGER, Visitor


@pytest.fixture
def visitor(page: Page, service: Service) -> Visitor:
    return Visitor(page, service)


def signed_out(page: Page) -> None:
    heading = page.get_by_role("heading", name="You are signed out", level=1)
    expect(heading).to_be_visible()


def open_another(tab: Page) -> None:
    """Show the profile in another tab, which hears from then on what the first one says."""
    tab.goto("/profile")
    tab.locator("session-guard:defined").wait_for(state="attached")


def test_a_pulled_card_signs_out_at_once_here_and_on_the_server(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto("/profile")
    visitor.watches()
    visitor.service.desk.remove()
    signed_out(visitor.page)
    expect(visitor.page.locator("main")).to_contain_text("taken out of the reader")
    visitor.page.goto("/profile")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_pulled_card_signs_out_every_tab(visitor: Visitor, context: BrowserContext) -> None:
    visitor.sign_in()
    others = [context.new_page() for _ in range(2)]
    for other in others:
        open_another(other)
    visitor.watches()
    visitor.service.desk.remove()
    for page in (visitor.page, *others):
        signed_out(page)


def test_another_tab_takes_over_watching_when_the_first_is_closed(
    visitor: Visitor, context: BrowserContext
) -> None:
    visitor.sign_in()
    other = context.new_page()
    open_another(other)
    visitor.page.close()
    visitor.watches(other)
    visitor.service.desk.remove()
    signed_out(other)


def test_a_card_pulled_while_a_page_was_loading_is_noticed(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto("about:blank")
    visitor.service.desk.remove()
    visitor.page.goto("/profile")
    signed_out(visitor.page)


def test_the_same_card_put_back_does_not_open_the_old_session(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto("about:blank")
    visitor.service.desk.swap(HOLDER)
    visitor.page.goto("/profile")
    signed_out(visitor.page)


def test_another_card_in_the_second_reader_changes_nothing(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.watches()
    visitor.service.desk.insert(MANAGER, "Virtual reader 2")
    visitor.service.desk.remove("Virtual reader 2")
    visitor.page.wait_for_timeout(300)
    expect(visitor.page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_whoever_waits_for_their_card_is_not_idle(visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.sign_in()
    visitor.watches()
    visitor.open_change_passcode()
    visitor.page.clock.fast_forward("12:30")
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)  # the card takes its time

    on_answers(visitor.page, hold_the_first)
    visitor.type_new_passcode("tulip-42", "heron-77")
    while not held:
        visitor.page.wait_for_timeout(20)
    for _ in range(4):
        visitor.page.clock.fast_forward("05:00")
    expect(visitor.page.locator("dialog[open]")).to_have_count(0)
    held[0].continue_()
    expect(visitor.page.get_by_role("heading", name="Passcode changed")).to_be_visible()


def test_signing_out_in_one_tab_signs_out_in_the_other(
    visitor: Visitor, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("^response 401 POST .*/bridge/hello$")  # said while the session was ending
    visitor.sign_in()
    visitor.watches()
    other = context.new_page()
    open_another(other)
    visitor.sign_out()
    signed_out(other)


def test_a_session_lives_through_a_bridge_that_is_started_again_under_its_card(
    visitor: Visitor, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("ERR_CONNECTION_REFUSED")
    visitor.sign_in()
    visitor.watches()
    other = context.new_page()
    open_another(other)
    guards = [tab.locator("session-guard") for tab in (visitor.page, other)]
    before = [guard.get_attribute("bridge") for guard in guards]
    visitor.service.stop_bridge()
    visitor.service.start_bridge(**{READER_1: HOLDER})
    for guard, old in zip(guards, before, strict=True):  # a proof of the card through the new one
        expect(guard).not_to_have_attribute("bridge", str(old))
    expect(visitor.page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    visitor.service.desk.remove()
    signed_out(visitor.page)


def test_a_bridge_that_was_started_again_without_the_card_signs_out(
    visitor: Visitor, complaints: Complaints
) -> None:
    complaints.expect("ERR_CONNECTION_REFUSED")
    visitor.sign_in()
    visitor.service.stop_bridge()
    visitor.service.start_bridge()
    heading = visitor.page.get_by_role("heading", name="You are signed out", level=1)
    expect(heading).to_be_visible()
    expect(visitor.page.locator("main")).to_contain_text("started again")


def test_the_warning_before_the_idle_end_can_be_answered(visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.sign_in()
    visitor.watches()
    visitor.page.clock.fast_forward("13:05")
    stay = visitor.page.get_by_role("button", name="Stay signed in")
    stay.click()
    expect(stay).to_be_hidden()
    visitor.page.clock.fast_forward("15:05")
    signed_out(visitor.page)
    expect(visitor.page.locator("main")).to_contain_text("Nothing was done")
