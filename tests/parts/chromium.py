"""A real browser for the tests, which hears every complaint that a page makes.

One Chromium serves one folder of tests; each test has a context of its own, without cookies or
storage of any other.
"""

import http.client
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

NAMES = ("chromium", "chromium-browser", "google-chrome")
# How long a page may take before a test fails. Nothing is waited for that has come: it is for a
# machine on which much else runs. How quick the pages are, `bench/` measures.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

WIDE = (1280, 900)
NARROW = (320, 640)

# The page looks for the bridge at ten addresses; those that refuse are complaints to Chromium.
LOOKING_FOR_THE_BRIDGE = r"^(console|request|response) .*(ws|http)://127\.0\.0\.1:\d+/v1"

# The status of a response is a complaint of its own; Chromium says it a second time here.
SAID_TWICE = "Failed to load resource: the server responded with a status of"

TELL_OF_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  const what = `${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`;
  window.tellOfViolation(`policy ${what} on ${location.href}`);
});
"""


def executable() -> str:
    """Return Chromium's path: the one that ``CHROMIUM`` names, or the machine's own."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "The browser tests need Chromium: `make test` says how to install it."
    return found


# What Chromium does beside showing pages. Each window made pages for suggestions of the address bar
# and a process for a site to come: four fifths of what a test's first page cost.
UNUSED = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess")
# What Playwright switches off; of several lists of features Chromium takes the last.
UNWANTED = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "TcpPortRandomizationWin",
    "ThirdPartyStoragePartitioning",
    "msEdgeUpdateLaunchServicesPreferredVersion",
    "msForceBrowserSignIn",
)
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    f"--disable-features={','.join(UNUSED + UNWANTED)}",
)
SANDBOX = os.geteuid() != 0  # Chromium's sandbox refuses root


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one Chromium without a window."""
    with sync_playwright() as playwright, another_chromium(playwright.chromium) as browser:
        yield browser


@contextmanager
def another_chromium(kind: BrowserType, *options: str) -> Iterator[Browser]:
    """Run a Chromium that was started with ``options``; ``kind`` is that of one which runs."""
    browser = kind.launch(
        executable_path=executable(), args=[*QUIET, *options], chromium_sandbox=SANDBOX
    )
    try:
        yield browser
    finally:
        browser.close()


class UnwatchedChromium:
    """A Chromium that nobody drives between two visits, as a person's is.

    What a tool drives is never hidden, and its timers run on; this one's tabs are, and theirs
    do not.
    """

    def __init__(self, kind: BrowserType, folder: Path) -> None:
        self._kind = kind
        command = [executable(), "--headless=new", "--remote-debugging-port=0", "--no-first-run"]
        command += [*QUIET, f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(
            command if SANDBOX else [*command, "--no-sandbox"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        said = folder / "DevToolsActivePort"
        end = time.monotonic() + 20
        while not (said.exists() and "\n" in said.read_text()):
            assert time.monotonic() < end, "Chromium did not start"
            time.sleep(0.05)
        self._port = int(said.read_text().split()[0])

    @contextmanager
    def visit(self) -> Iterator[Page]:
        """Drive the first tab, which is in front for as long."""
        browser = self._kind.connect_over_cdp(f"http://127.0.0.1:{self._port}")
        try:
            yield next(page for page in browser.contexts[0].pages if page.url != "about:blank#")
        finally:
            browser.close()

    def open_tab_in_front(self) -> None:
        """Open another tab, as a person does who turns to other work: the first one is hidden."""
        made = json.loads(self._ask("PUT", "/json/new?about:blank%23"))
        self._ask("GET", f"/json/activate/{made['id']}")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _ask(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()


class Complaints:
    """What the pages of one context complained of; a test says beforehand what it expects.

    Each complaint is a line: ``console <type> <text> at <address>``, ``error <text>``,
    ``policy <directive> <address>``, ``request <method> <address> <failure>`` or
    ``response <status> <method> <address>``.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._expected = [LOOKING_FOR_THE_BRIDGE]

    def expect(self, pattern: str) -> None:
        """Let lines that contain the regular expression ``pattern`` pass in this test."""
        self._expected.append(pattern)

    def expect_status(self, *statuses: int) -> None:
        """Let responses with one of ``statuses`` pass in this test."""
        for status in statuses:
            self.expect(rf"^response {status} ")

    @property
    def unexpected(self) -> list[str]:
        return [
            line
            for line in self.lines
            if not any(re.search(pattern, line) for pattern in self._expected)
        ]

    def listen_to(self, context: BrowserContext) -> None:
        """Hear everything that goes wrong in ``context``, in all of its pages."""
        context.expose_binding("tellOfViolation", lambda _source, line: self.lines.append(line))
        context.add_init_script(TELL_OF_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.lines.append(f"error {error.error}"))
        context.on("requestfailed", self._request_failed)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(SAID_TWICE):
            address = message.location.get("url", "")
            self.lines.append(f"console {message.type} {message.text} at {address}")

    def _request_failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # left the page while it was loading
            self.lines.append(f"request {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.lines.append(
                f"response {response.status} {response.request.method} {response.url}"
            )


@contextmanager
def context_of(
    browser: Browser, origin: str, complaints: Complaints, size: tuple[int, int] = WIDE
) -> Iterator[BrowserContext]:
    """Open a context as a new person at a new PC would have it, at ``origin``."""
    width, height = size
    context = browser.new_context(
        base_url=origin,
        viewport={"width": width, "height": height},
        locale="en-GB",
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    complaints.listen_to(context)
    try:
        yield context
    finally:
        context.close()


def overflows(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(page.evaluate(script))
