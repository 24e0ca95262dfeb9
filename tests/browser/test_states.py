"""Every page in every state, wide and narrow: usable by everybody, and without a complaint."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.parts.chromium import Complaints
from tests.parts.service import Service
from tests.parts.sound import demand_sound
from tests.parts.state import State
from tests.parts.states import STATES
from tests.parts.visitor import Visitor


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
    demand_sound(page)
