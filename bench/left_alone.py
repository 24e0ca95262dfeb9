"""A browser that nobody drives while it is measured, as a person's is.

Whoever drives a browser is told of every request and of every message of the bridge, and that takes
time from what is measured. So the page presses the button by itself once it has been left alone,
and keeps how long everything took until somebody comes back and asks.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.watched import LONGEST, TOOK, at_rest
from tests.parts.chromium import UnwatchedChromium
from tests.parts.service import Service
from tests.parts.visitor import Visitor

LEFT = 1000  # ms from the order to the press: by then nobody drives the browser any more
RETURNS = 1.0  # seconds after the end of what a card needs

# What it counts are requests of the work: a proof of presence or a hello may come between
MEASURE = """([button, left]) => {
  const pressed = [...document.querySelectorAll("button")].find(
    (each) => each.textContent.trim() === button,
  );
  const ask = async () => {
    const began = performance.now();
    await (await fetch("/healthz", { cache: "no-store" })).text();
    return (performance.now() - began) / 1000;
  };
  const requests = () => performance.getEntriesByType("resource").filter((each) =>
    each.initiatorType === "fetch" && each.name.startsWith(location.origin)
    && !/[/](presence|hello)$/.test(each.name)).length;
  const work = (trips) => new Promise((resolve) => {
    const began = performance.now();
    new MutationObserver((_, observer) => {
      if (!document.querySelector(".nhsuk-panel")) return;
      observer.disconnect();
      requestAnimationFrame(() => resolve({
        trips, took: (performance.now() - began) / 1000, requests: requests(),
      }));
    }).observe(document.body, { childList: true, subtree: true });
    pressed.click();
  });
  window.took = new Promise((resolve) => setTimeout(async () => {
    const trips = [];
    while (trips.length < 5) trips.push(await ask());
    performance.clearResourceTimings();
    setTimeout(() => work(trips).then(resolve), left / 2);
  }, left / 2));
}"""


@dataclass(frozen=True)
class Measured:
    """What a page has kept of one piece of work. Times in seconds."""

    took: float  # from the pressed button to the drawn confirmation
    trips: list[float]  # each the least that a page can ask the server, before the press
    requests: int  # of the work


class LeftAlone:
    """One person with one browser, which is driven only in ``visit``."""

    def __init__(self, chromium: UnwatchedChromium, service: Service) -> None:
        self._chromium = chromium
        self._service = service

    @contextmanager
    def visit(self) -> Iterator[Visitor]:
        with self._chromium.visit() as page:
            yield Visitor(page, self._service)

    def press(self, button: str, *, card_seconds: float) -> Measured:
        """Let the page that is open press a button, and return what it has measured.

        ``card_seconds`` is the least that the work takes: nobody comes back before.
        """
        with self.visit() as visitor:
            at_rest(visitor.page)
            visitor.page.evaluate(MEASURE, [button, LEFT])
        time.sleep(LEFT / 1000 + card_seconds + RETURNS)
        with self.visit() as visitor:
            return Measured(**visitor.page.evaluate(TOOK, LONGEST))


@contextmanager
def left_alone(service: Service) -> Iterator[LeftAlone]:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = UnwatchedChromium(playwright.chromium, Path(folder))
        try:
            yield LeftAlone(chromium, service)
        finally:
            chromium.close()
