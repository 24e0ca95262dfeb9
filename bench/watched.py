"""A browser that takes the time from a pressed button to the drawn confirmation by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Error, Page

from tests.parts.chromium import Complaints, chromium, context_of
from tests.parts.service import Service
from tests.parts.visitor import Visitor

# The confirmation is the design system's panel, on the same page or on the next one
WATCH = """
let tell;
window.took = new Promise((resolve) => (tell = resolve));
document.addEventListener("submit", () => sessionStorage.setItem("pressed", Date.now()), true);
document.addEventListener("DOMContentLoaded", () => {
  const look = () => {
    const pressed = sessionStorage.getItem("pressed");
    if (!pressed || !document.querySelector(".nhsuk-panel")) return;
    sessionStorage.removeItem("pressed");
    requestAnimationFrame(() => tell((Date.now() - pressed) / 1000));
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
});
"""
TOOK = """(most) => Promise.race([
  window.took,
  new Promise((_, reject) => setTimeout(() => reject(new Error("no confirmation")), most)),
])"""
LONGEST = 60_000  # ms
TO_POINT = 300  # ms, from the keys to the mouse and to the pressed button at the least


@contextmanager
def watched_visitor(service: Service) -> Iterator[Visitor]:
    with (
        chromium() as browser,
        context_of(browser, service.origin, Complaints()) as context,
    ):
        context.add_init_script(WATCH)
        yield Visitor(context.new_page(), service)


def at_rest(page: Page) -> None:
    """Wait until a page has come to rest, as it has by the time that a person has typed."""
    page.wait_for_load_state("networkidle")


def press(page: Page, button: str) -> float:
    """Press a button as a person does, and return how long the confirmation takes, in seconds.

    The pointer is on the button, and what typing and pointing have changed is drawn.
    """
    there = page.get_by_role("button", name=button, exact=True)
    there.hover()
    at_rest(page)
    page.wait_for_timeout(TO_POINT)
    there.click()
    return took(page)


def took(page: Page) -> float:
    """Wait for the confirmation, and return how long it has taken, in seconds.

    The page is not asked again and again: that would take the time of what is measured.
    """
    while True:
        try:
            return float(page.evaluate(TOOK, LONGEST))
        except Error as error:
            if "navigation" not in str(error):
                raise
            # It went on to the next page, which tells
