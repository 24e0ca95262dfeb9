"""Every page in every state, wide and narrow: usable by everybody, and without a complaint."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.parts import axe
from tests.parts.chromium import NARROW, WIDE, Complaints, overflows
from tests.parts.service import Service
from tests.parts.state import State
from tests.parts.states import STATES
from tests.parts.visitor import Visitor

# The design system's header moves what does not fit into its menu a moment after a resize
HEADER_SETTLES = "new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))"


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_page_is_sound_in_this_state(
    state: State, page: Page, service: Service, complaints: Complaints
) -> None:
    if state.status is not None:
        complaints.expect_status(state.status)
    if state.complains is not None:
        complaints.expect(state.complains)
    state.show(Visitor(page, service))
    expect(page.locator("body")).to_contain_text(re.compile(state.sees))
    for width, height in (WIDE, NARROW):
        if page.viewport_size != {"width": width, "height": height}:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(HEADER_SETTLES)
        assert axe.violations(page) == []
        assert overflows(page) <= 0, f"at {width} pixels the page is wider than its window"
    assert page.locator("h1").count() == 1
    assert forms_without_token(page) == []


def forms_without_token(page: Page) -> list[str]:
    """Return the forms that would change something, and neither carry a token nor belong to a
    card operation, which sends it as a header."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("form")]
            .filter((form) => form.method === "post" && !form.closest("card-step"))
            .filter((form) => !form.querySelector("input[name=csrf_token][value]"))
            .map((form) => form.outerHTML)"""
    )
    return found
