"""The browser of these tests is the one that Playwright means it to be."""

import re

from playwright.sync_api import Browser


def test_what_playwright_switches_off_stays_off(browser: Browser) -> None:
    session = browser.new_browser_cdp_session()
    command = session.send("SystemInfo.getInfo")["commandLine"]
    session.detach()
    of_playwright, ours = re.findall(r"--disable-features=(\S+)", command)
    assert set(of_playwright.split(",")) <= set(ours.split(","))
