"""Two people at one card, and one person in two tabs: one wins, the other is told what to do."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.parts.another_pc import another_pc
from tests.parts.answers_on_the_way import on_answers
from tests.parts.chip_and_database import believed, guid_of, must_be_renewed_once
from tests.parts.chromium import Complaints
from tests.parts.renewer import open_renewal, press_renew, renewed
from tests.parts.second_reader import EXPIRING, Counter
from tests.parts.service import Service
from tests.parts.visitor import CARDS, MANAGER, Visitor


@pytest.fixture
def counter(page: Page, service: Service, complaints: Complaints) -> Counter:
    """An agent at the first PC."""
    complaints.expect_status(401, 409)
    return Counter(Visitor(page, service))


@pytest.fixture
def elsewhere(service: Service, browser: Browser, complaints: Complaints) -> Iterator[Visitor]:
    """Somebody at the second PC."""
    with another_pc(service, browser, complaints) as visitor:
        yield visitor


class Held:
    """The network of a PC stands still while it brings an answer, until it is let go."""

    def __init__(self, page: Page, answers: int) -> None:
        self._page, self._left = page, answers
        self._answer: str | None = None
        self._goes_on = False
        self._waiting: Route | None = None
        on_answers(page, self._hear)

    def _hear(self, route: Route) -> None:
        brought = route.request.post_data
        self._left -= 1
        if self._left == 0:
            self._answer = brought
        if brought == self._answer and not self._goes_on:
            self._waiting = route  # the page brings it again once it has waited for too long
        else:
            route.continue_()

    def comes(self) -> None:
        while self._waiting is None:
            self._page.wait_for_timeout(20)

    def let_go(self) -> None:
        assert self._waiting is not None
        self._goes_on = True
        self._waiting.continue_()


def renew(counter: Counter) -> None:
    counter.type_passcode(EXPIRING)
    counter.press("Continue")


def told(main: Locator) -> None:
    expect(main).to_contain_text("Somebody else is working with this card in another browser")


def begins(counter: Counter, answers: int) -> Held:
    """The agent begins a renewal, and the network stands still at one of its answers."""
    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    held = Held(counter.visitor.page, answers)
    renew(counter)
    held.comes()
    return held


def test_of_two_agents_at_two_pcs_one_is_told_and_goes_on_when_the_other_has_stopped(
    counter: Counter, elsewhere: Visitor, service: Service
) -> None:
    other = Counter(elsewhere)
    held = begins(counter, answers=2)
    counter.user_takes_out()
    other.open(EXPIRING, MANAGER, "RA Manager")
    other.choose("Renew certificates")
    renew(other)
    told(other.main)

    held.let_go()
    expect(counter.main.locator("[data-code=card-removed]")).to_be_visible()
    other.main.get_by_role("link", name="Try again").click()
    renew(other)
    other.sees_done("Certificates renewed")
    must_be_renewed_once(service, EXPIRING)

    other.user_takes_out()
    counter.user_puts_in(EXPIRING)
    expect(counter.main).to_contain_text("Renew certificates is not possible")
    expect(counter.main).to_contain_text("Opens on")
    must_be_renewed_once(service, EXPIRING)


def test_a_card_that_another_agent_cancels_meanwhile_is_renewed_no_further(
    counter: Counter, elsewhere: Visitor, service: Service
) -> None:
    held = begins(counter, answers=2)
    guid = guid_of(service, EXPIRING)
    other = Counter(elsewhere)
    other.open(None, MANAGER, "RA Manager")
    elsewhere.page.goto(counter.visitor.page.url.replace("/renew", "/cancel"))
    elsewhere.page.get_by_label("Lost").check()
    other.press("Continue")
    elsewhere.type_passcode(CARDS[MANAGER].passcode, "Your own passcode")
    other.press("Cancel this card")
    other.sees_done("Card cancelled")

    held.let_go()
    expect(counter.main).to_contain_text("finished, or was ended")
    counter.main.get_by_role("link", name="Reload the page").click()
    expect(counter.main).to_contain_text("cancelled")
    belief = believed(service, guid)
    assert (belief.status, belief.unfinished, belief.certificates) == ("cancelled", [], {})


def test_of_two_tabs_of_an_agent_the_newer_goes_on_and_the_older_is_told(
    counter: Counter, service: Service
) -> None:
    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    newer = Counter(Visitor(counter.visitor.page.context.new_page(), service))
    newer.visitor.page.goto(counter.visitor.page.url)
    newer.visitor.page.get_by_label("User’s passcode", exact=True).wait_for()
    held = Held(counter.visitor.page, answers=2)
    renew(counter)
    held.comes()
    renew(newer)
    busy = newer.main.locator("[data-code=card-busy]")
    expect(busy).to_contain_text("another tab")  # the bridge waits for its turn

    held.let_go()
    expect(counter.main).to_contain_text("perhaps in another tab")
    renew(newer)
    newer.sees_done("Certificates renewed")
    must_be_renewed_once(service, EXPIRING)
    counter.main.get_by_role("link", name="Reload the page").click()
    expect(counter.main).to_contain_text("Opens on")


def test_a_holder_who_begins_while_an_agent_renews_is_told_and_goes_on_later(
    counter: Counter, elsewhere: Visitor, service: Service
) -> None:
    held = begins(counter, answers=1)
    counter.user_takes_out()
    open_renewal(elsewhere)
    press_renew(elsewhere)
    told(elsewhere.page.locator("main"))

    held.let_go()
    expect(counter.main.locator("[data-code=card-removed]")).to_be_visible()
    elsewhere.page.get_by_role("link", name="Try again").click()
    press_renew(elsewhere, button="Continue")
    renewed(elsewhere)
    must_be_renewed_once(service, EXPIRING)


def test_a_card_whose_holder_was_renewing_it_is_renewed_by_an_agent_and_the_holder_is_told(
    counter: Counter, elsewhere: Visitor, service: Service
) -> None:
    open_renewal(elsewhere)
    held = Held(elsewhere.page, answers=2)
    press_renew(elsewhere)
    held.comes()
    elsewhere.desk.remove()
    expect(elsewhere.page.get_by_text("If you were renewing your certificates")).to_be_visible()

    counter.open(EXPIRING)
    counter.choose("Renew certificates")
    renew(counter)
    counter.sees_done("Certificates renewed")
    must_be_renewed_once(service, EXPIRING)

    counter.user_takes_out()
    elsewhere.show_card(EXPIRING)
    elsewhere.enter(CARDS[EXPIRING].passcode)
    expect(elsewhere.page.locator("main")).to_contain_text("is in order")
    must_be_renewed_once(service, EXPIRING)
