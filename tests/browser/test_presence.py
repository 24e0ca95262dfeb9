"""A session lasts while its card proves, by itself, that it is there: with limits of seconds."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.parts.chromium import Complaints, UnwatchedChromium
from tests.parts.pcscd import PrivatePcscd, private_pcscd
from tests.parts.service import Service, running_service
from tests.parts.visitor import HOLDER, Visitor
from tests.pcsc.program import Program

__all__ = ["private_pcscd"]

LASTS = 5  # seconds that a proof of presence holds
BUSY = 12  # seconds that another program may keep the card
DUE = LASTS / 3  # after a proof, when the next may be asked for


# Run in a page: how often a timer of 100 ms gets its turn while nobody can see the page
COUNT_TURNS = """() => {
  window.hiddenTurns = 0;
  setInterval(() => { window.hiddenTurns += document.hidden; }, 100);
}"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("presence") / "instance"
    limits = {
        "SESSION_PRESENCE_SECONDS": str(LASTS),
        "SESSION_BUSY_SECONDS": str(BUSY),
        "SESSION_OPERATION_SECONDS": "1",
    }
    shared = shared_folder / "prepared-service"
    with running_service(folder, shared, tick=1, busy=0.5, settings=limits) as service:
        yield service


@pytest.fixture
def visitor(page: Page, service: Service, complaints: Complaints) -> Visitor:
    complaints.expect("^response 401 POST .*/presence$")  # how a page learns that it is over
    return Visitor(page, service)


def value(service: Service, query: str) -> object:
    with closing(sqlite3.connect(service.database, timeout=10)) as database:
        return database.execute(query).fetchone()[0]


def moment(service: Service, query: str) -> datetime:
    return datetime.fromisoformat(str(value(service, query)))


def proofs(service: Service) -> int:
    query = "SELECT count(*) FROM card_operation WHERE kind = 'presence' AND state = 'done'"
    found = value(service, query)
    assert isinstance(found, int)
    return found


def wait(page: Page, seconds: float) -> None:
    page.wait_for_timeout(seconds * 1000)


def signed_out(page: Page) -> None:
    heading = page.get_by_role("heading", name="You are signed out", level=1)
    expect(heading).to_be_visible()


def ask_for_profile(visitor: Visitor) -> int:
    """Ask the server with a copy of the browser's cookie; return the status of its answer."""
    cookies = visitor.page.context.cookies()
    carried = "; ".join(f"{each['name']}={each['value']}" for each in cookies)
    address = urlsplit(visitor.service.origin)
    with closing(HTTPConnection(str(address.hostname), address.port, timeout=10)) as connection:
        connection.request("GET", "/profile", headers={"Cookie": carried})
        return connection.getresponse().status


def has_ended(visitor: Visitor, reason: str) -> None:
    """The server says so, to whoever has the cookie."""
    assert ask_for_profile(visitor) == 303
    assert value(visitor.service, "SELECT end_reason FROM session") == reason


@contextmanager
def asleep(browser: Browser) -> Iterator[None]:
    """The pages of the browser do nothing: their processes are stopped."""
    chromium = browser.new_browser_cdp_session()
    found = chromium.send("SystemInfo.getProcessInfo")["processInfo"]
    chromium.detach()
    pages = [each["id"] for each in found if each["type"] == "renderer"]
    assert pages
    for each in pages:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in pages:
            os.kill(each, signal.SIGCONT)


def test_a_session_lives_as_long_as_its_card_is_there_in_many_tabs_and_one_tab_proves_it(
    visitor: Visitor, context: BrowserContext
) -> None:
    began = time.monotonic()
    visitor.sign_in()
    tabs = [context.new_page() for _ in range(2)]  # the first page is hidden behind them
    end = time.monotonic() + LASTS + 2
    while time.monotonic() < end:
        for tab in tabs:
            tab.goto("/profile")
            expect(tab.get_by_role("heading", name="My profile", level=1)).to_be_visible()
    took = time.monotonic() - began
    assert value(visitor.service, "SELECT ended_at FROM session") is None
    assert 2 <= proofs(visitor.service) <= took / DUE + 1


def test_a_session_lives_in_a_tab_that_is_hidden_although_its_timers_are_slowed(
    service: Service, browser: Browser, tmp_path: Path
) -> None:
    chromium = UnwatchedChromium(browser.browser_type, tmp_path)
    try:
        with chromium.visit() as page:
            visitor = Visitor(page, service)
            planned = visitor.insert()
            page.goto(f"{service.origin}/sign-in")
            visitor.enter(planned.passcode)
            visitor.reach_dashboard()
            page.evaluate(COUNT_TURNS)
        chromium.open_tab_in_front()
        hidden, before = 2 * LASTS + 2, proofs(service)
        time.sleep(hidden)
        brought = proofs(service) - before
        with chromium.visit() as page:
            turns = page.evaluate("window.hiddenTurns")
            expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
        assert 0 < turns < 3 * hidden, "hidden tabs get one turn a second"
        assert brought >= 2
        assert value(service, "SELECT ended_at FROM session") is None
    finally:
        chromium.close()


def test_a_bridge_that_is_killed_ends_the_session(visitor: Visitor, complaints: Complaints) -> None:
    complaints.expect("ERR_CONNECTION_REFUSED")
    visitor.sign_in()
    visitor.service.stop_bridge(killed=True)
    signed_out(visitor.page)
    expect(visitor.page.locator("main")).to_contain_text("could not show")
    has_ended(visitor, "presence-lost")


def test_a_session_whose_proofs_are_withheld_ends_however_active_its_page(visitor: Visitor) -> None:
    def withhold(route: Route) -> None:
        route.fulfill(status=200, json={"done": True})  # the server never hears of it

    visitor.sign_in()
    visitor.page.route("**/card-operations/*/result", withhold)
    end = time.monotonic() + LASTS + 1
    while time.monotonic() < end:
        ask_for_profile(visitor)
        wait(visitor.page, 0.3)
    has_ended(visitor, "presence-lost")
    signed_out(visitor.page)


def test_a_browser_that_is_suspended_is_signed_out_and_learns_of_it_when_it_wakes(
    visitor: Visitor, browser: Browser
) -> None:
    visitor.sign_in()
    with asleep(browser):
        time.sleep(LASTS + 1)
        has_ended(visitor, "presence-lost")
    signed_out(visitor.page)


def test_a_card_that_leaves_while_no_page_is_there_ends_the_session(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto("about:blank")
    visitor.service.desk.remove()
    time.sleep(LASTS + 0.5)
    has_ended(visitor, "presence-lost")


def test_a_card_that_is_cancelled_signs_out_every_tab(
    visitor: Visitor, context: BrowserContext
) -> None:
    visitor.sign_in()
    other = context.new_page()
    other.goto("/profile")
    other.locator("session-guard:defined").wait_for(state="attached")
    with closing(sqlite3.connect(visitor.service.database, timeout=10)) as database:
        database.execute(
            "UPDATE card SET status = 'cancelled' WHERE id = (SELECT card_id FROM session)"
        )
        database.commit()
    for tab in (visitor.page, other):
        signed_out(tab)
        expect(tab.locator("main")).to_contain_text("has been cancelled")
    has_ended(visitor, "card-cancelled")


def test_a_session_ends_after_12_hours_however_active_its_person(visitor: Visitor) -> None:
    visitor.sign_in()
    with closing(sqlite3.connect(visitor.service.database, timeout=10)) as database:
        database.execute("UPDATE session SET started_at = datetime(started_at, '-12 hours')")
        database.commit()
    signed_out(visitor.page)
    expect(visitor.page.locator("main")).to_contain_text("12 hours")
    has_ended(visitor, "total")


@pytest.fixture
def at_pcsc(
    visitor: Visitor, private_pcscd: PrivatePcscd, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Program]:
    """The visitor is signed in with a card in a reader of PC/SC, which a program knows, too."""
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(private_pcscd.socket))
    service = visitor.service
    with service.bridge_with("pcsc"), Program(private_pcscd.environment) as program:
        private_pcscd.insert(0, service.installation.cards / f"{HOLDER}.json")
        visitor.page.goto("/sign-in")
        visitor.enter("tulip-42")
        visitor.reach_dashboard()
        program.connect(program.readers()[0])
        yield program


def test_a_session_lives_while_another_program_holds_the_card_for_some_time(
    visitor: Visitor, at_pcsc: Program
) -> None:
    at_pcsc.begin()
    wait(visitor.page, LASTS + 3)
    assert value(visitor.service, "SELECT busy_since FROM session") is not None
    assert ask_for_profile(visitor) == 200
    at_pcsc.end()
    seen = proofs(visitor.service)
    wait(visitor.page, LASTS + 1)
    assert proofs(visitor.service) > seen
    assert value(visitor.service, "SELECT busy_since FROM session") is None
    expect(visitor.page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_a_session_ends_when_another_program_does_not_give_the_card_back(
    visitor: Visitor, at_pcsc: Program
) -> None:
    at_pcsc.begin()
    signed_out(visitor.page)
    has_ended(visitor, "presence-lost")
    busy = moment(visitor.service, "SELECT busy_since FROM session")
    assert moment(visitor.service, "SELECT ended_at FROM session") >= busy + timedelta(seconds=BUSY)
