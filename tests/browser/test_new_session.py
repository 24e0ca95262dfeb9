"""Signing in begins a new session: nothing that was known before it opens it."""

import json
import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.parts.service import Service
from tests.parts.visitor import Visitor

NOBODY = re.compile("Sign in|You are signed out")


def session_cookie(context: BrowserContext) -> str:
    (cookie,) = context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    return str(cookie["value"])


def request_token(page: Page) -> str:
    """Return the token that the page sends with whatever it changes."""
    headers = page.locator("body").get_attribute("hx-headers:inherited")
    return str(json.loads(headers or "")["X-CSRFToken"])


def bring_back(cookie: str, page: Page, service: Service) -> None:
    """Take an old cookie, once no page is open that would greet the bridge with it by itself."""
    page.goto("about:blank")
    page.context.add_cookies([{"name": "cis", "value": cookie, "url": service.origin}])


def test_a_cookie_from_before_the_sign_in_opens_nothing_after_it(
    context: BrowserContext, page: Page, service: Service
) -> None:
    visitor = Visitor(page, service)
    page.goto("/sign-in")
    before = session_cookie(context)
    token_before = request_token(page)
    visitor.sign_in_by_hand()
    after = session_cookie(context)
    assert after != before
    assert request_token(page) != token_before

    bring_back(before, page, service)
    page.goto("/profile")
    expect(page.get_by_role("heading", level=1)).to_have_text(NOBODY)


def test_a_cookie_from_before_the_sign_out_opens_nothing_after_it(
    context: BrowserContext, page: Page, service: Service
) -> None:
    visitor = Visitor(page, service)
    visitor.sign_in()
    stolen = session_cookie(context)
    visitor.sign_out()
    bring_back(stolen, page, service)
    page.goto("/profile")
    expect(page.get_by_role("heading", level=1)).to_have_text(NOBODY)
