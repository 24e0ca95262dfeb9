"""The answers of a card on their way from the page to the service, to be counted, held or lost."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route

RESULTS = re.compile("/card-operations/[0-9a-f-]+/result$")


def on_answers(page: Page, handle: Callable[[Route], None]) -> None:
    """Let ``handle`` deal with each answer to what a person has asked of a card.

    The proofs of presence, which a page brings by itself whenever one is due, go their way.
    """

    def sort(route: Route) -> None:
        if "by-itself" in route.request.headers:
            route.continue_()
        else:
            handle(route)

    page.route(RESULTS, sort)


def leave_answers_alone(page: Page) -> None:
    """From now on they arrive."""
    page.unroute(RESULTS)
