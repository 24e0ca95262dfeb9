"""From the card's removal to the page that says so, as a person sees it in the browser."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from bench.figures import Figure, median_ms, p95_ms
from bench.installed import whole_service
from bench.sign_in import without_terms
from tests.parts.chromium import Complaints, chromium, context_of
from tests.parts.pcscd import running_pcscd
from tests.parts.service import Service
from tests.parts.visitor import CARDS, HOLDER, Visitor

ROUNDS = 25
GOAL = 1000.0  # ms

# The clock of the machine, once the page that says "signed out" has been drawn
TELL_WHEN_DRAWN = """
document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector("h1")?.textContent.includes("signed out")) return;
  requestAnimationFrame(() => {
    requestAnimationFrame(() => (document.body.dataset.drawn = Date.now() / 1000));
  });
});
"""


class Hand:
    """Puts the holder's card in and takes it out."""

    def __init__(self, insert: Callable[[], None], remove: Callable[[], None]) -> None:
        self.insert = insert
        self.remove = remove


@contextmanager
def virtual_reader(service: Service) -> Iterator[Hand]:
    yield Hand(lambda: service.desk.insert(HOLDER), service.desk.remove)


@contextmanager
def pcsc_reader(service: Service) -> Iterator[Hand]:
    """A reader of PC/SC, with pcscd and its virtual reader driver."""
    card = service.installation.cards / f"{HOLDER}.json"
    with running_pcscd() as daemon:
        os.environ["PCSCLITE_CSOCK_NAME"] = str(daemon.socket)
        try:
            with service.bridge_with("pcsc"):
                yield Hand(lambda: daemon.insert(0, card), lambda: daemon.remove(0))
        finally:
            del os.environ["PCSCLITE_CSOCK_NAME"]


def measure() -> list[Figure]:
    figures = []
    with whole_service() as service:
        without_terms(service)
        for name, reader in (("the bridge's own reader", virtual_reader), ("pcscd", pcsc_reader)):
            with reader(service) as hand:
                times = removals(service, hand)
            for what, value in (("median", median_ms(times)), ("p95", p95_ms(times))):
                figures.append(
                    Figure(
                        name=f"removal to the signed-out page, {name}, {what}",
                        value=value,
                        unit="ms",
                        floor=None,
                        goal=GOAL,
                        goal_in_words="within a second",
                        conditions=f"{ROUNDS} removals: virtual card, Chromium, until it is drawn",
                    )
                )
    return figures


def removals(service: Service, hand: Hand) -> list[float]:
    """Sign in and pull the card, again and again; return how long the page took each time."""
    with (
        chromium() as browser,
        context_of(browser, service.origin, Complaints()) as context,
    ):
        context.add_init_script(TELL_WHEN_DRAWN)
        page = context.new_page()
        return [one_removal(page, service, hand) for _ in range(ROUNDS)]


def one_removal(page: Page, service: Service, hand: Hand) -> float:
    hand.insert()
    page.goto("/sign-in")
    visitor = Visitor(page, service)
    visitor.enter(CARDS[HOLDER].passcode)
    visitor.reach_dashboard()
    page.locator("session-guard[watching]").wait_for(state="attached")
    pulled = time.time()
    hand.remove()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible(timeout=10_000)
    drawn = page.locator("body[data-drawn]").get_attribute("data-drawn")
    return float(drawn or "nan") - pulled
