"""What a page costs on the wire, for a browser that was never here and for one that was."""

from playwright.sync_api import BrowserContext, Page

from bench.figures import Figure
from bench.installed import whole_service
from tests.parts.chromium import Complaints, chromium, context_of
from tests.parts.visitor import Visitor

COLD_GOAL, WARM_GOAL = 100.0, 25.0  # kB


class Wire:
    """Counts what a page receives, as Chromium's network stack does: headers and compression."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.received = 0
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._finished)

    def _finished(self, event: dict[str, float]) -> None:
        self.received += int(event["encodedDataLength"])

    def of(self, page: Page, address: str) -> float:
        """Return how many kB going to ``address`` costs."""
        self.received = 0
        page.goto(address)
        page.wait_for_load_state("networkidle")
        return self.received / 1000


def measure() -> list[Figure]:
    figures = []
    with (
        whole_service() as service,
        chromium() as browser,
        context_of(browser, service.origin, Complaints()) as context,
    ):
        page = context.new_page()
        wire = Wire(context, page)
        cold, warm = wire.of(page, "/sign-in"), wire.of(page, "/sign-in")
        Visitor(page, service).sign_in()
        page.wait_for_load_state("networkidle")  # what the page before it fetches is not counted
        profile = wire.of(page, "/profile")
    for name, value, goal in (
        ("sign-in page, cold", cold, COLD_GOAL),
        ("sign-in page, warm", warm, WARM_GOAL),
        ("profile, warm", profile, WARM_GOAL),
    ):
        figures.append(
            Figure(
                name=name,
                value=value,
                unit="kB",
                floor=None,
                goal=goal,
                goal_in_words="as received",
                conditions="all answers of one page in Chromium, headers included",
            )
        )
    return figures
