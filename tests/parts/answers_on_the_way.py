"""The answers of a card on their way from the page to the service, to be counted, held or lost."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, Request, Route

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


def lose_one(
    page: Page, before: int, meanwhile: Callable[[], None] | None = None
) -> Callable[[Request], bool]:
    """Let so many answers arrive and lose the next one, however often the page brings it.

    ``meanwhile`` is done before the service hears the last one that arrives. Nothing has to be left
    alone later: what is on its way while a page is left could then arrive after all. Return what
    knows the lost answer by its request.
    """
    arrived = 0
    lost: str | None = None

    def handle(route: Route) -> None:
        nonlocal arrived, lost
        if arrived == before and lost is None:
            lost = route.request.post_data
        if is_lost(route.request):
            route.abort("aborted")
            return
        arrived += 1
        if arrived == before and meanwhile is not None:
            meanwhile()
        route.continue_()

    def is_lost(request: Request) -> bool:
        return lost is not None and request.post_data == lost

    on_answers(page, handle)
    return is_lost


def leave_answers_alone(page: Page) -> None:
    """From now on they arrive."""
    page.unroute(RESULTS)
