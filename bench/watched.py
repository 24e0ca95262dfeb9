"""A browser that takes the time from a pressed button to the drawn confirmation by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from tests.parts.chromium import Complaints, chromium, context_of
from tests.parts.service import Service
from tests.parts.visitor import Visitor

# The confirmation is the design system's panel, on the same page or on the next one
WATCH = """
document.addEventListener("submit", () => sessionStorage.setItem("pressed", Date.now()), true);
document.addEventListener("DOMContentLoaded", () => {
  const look = () => {
    const pressed = sessionStorage.getItem("pressed");
    if (!pressed || !document.querySelector(".nhsuk-panel")) return;
    sessionStorage.removeItem("pressed");
    requestAnimationFrame(() => (document.body.dataset.took = (Date.now() - pressed) / 1000));
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
});
"""
LONGEST = 60_000  # ms


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


def took(page: Page) -> float:
    """Wait for the confirmation, and return how long it has taken, in seconds."""
    done = page.locator("body[data-took]")
    done.wait_for(state="attached", timeout=LONGEST)
    return float(done.get_attribute("data-took") or "nan")
