"""A running service and a Chromium for the tests of this folder; each test starts clean."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.parts.chromium import Complaints, chromium, context_of
from tests.parts.service import Service, running_service


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Iterator[Service]:
    """The running product of this worker, as the last test left it."""
    folder = tmp_path_factory.mktemp("service") / "instance"
    with running_service(folder, shared_folder / "prepared-service") as service:
        yield service


@pytest.fixture
def service(running: Service) -> Service:
    """The running product as it was when it was made: every card issued, none in a reader."""
    running.reset()
    return running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Of this folder alone: while Playwright runs, its thread cannot run another event loop.
    with chromium() as browser:
        yield browser


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the pages complained of. Say before what a test expects; the rest fails it."""
    complaints = Complaints()
    yield complaints
    assert not complaints.unexpected


@pytest.fixture
def context(service: Service, browser: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    """A browser that has never been here."""
    with context_of(browser, service.origin, complaints) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab of the browser, still empty: ``page.goto("/sign-in")``."""
    return context.new_page()
