"""A second PC: its own reader bridge, which the service trusts, and a browser that reaches it."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from playwright.sync_api import Browser, Page

from tests.parts.chromium import Complaints, context_of
from tests.parts.service import Service
from tests.parts.visitor import Visitor


@contextmanager
def another_pc(service: Service, browser: Browser, complaints: Complaints) -> Iterator[Visitor]:
    """Somebody at a second PC. A card is carried there: first taken out, then put in."""
    with service.another_pc() as desk, context_of(browser, service.origin, complaints) as context:
        page = context.new_page()
        _has_no_first_bridge(page, service)
        with page.expect_response("**/bridge/hello"):  # now the service has met it
            page.goto("/sign-in")
        _trust_all(service)
        yield Visitor(page, service, desk)


def _has_no_first_bridge(page: Page, service: Service) -> None:
    """Both PCs are this machine: nothing answers where the other one's bridge is."""
    at = rf"//127\.0\.0\.1:{service.installation.bridge_port}/v1$"
    page.context.route_web_socket(re.compile("ws:" + at), lambda socket: socket.close())
    page.context.route(re.compile("http:" + at), lambda route: route.abort("connectionrefused"))


def _trust_all(service: Service) -> None:
    """What an RA manager does with a PC that was seen for the first time."""
    with closing(sqlite3.connect(service.database, timeout=10)) as database:
        database.execute("UPDATE workstation SET status = 'enrolled' WHERE status = 'seen'")
        database.commit()
