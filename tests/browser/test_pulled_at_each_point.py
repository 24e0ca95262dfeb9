"""A card that leaves its reader in the middle of something: nothing is lost and nobody is stuck."""

from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from reader_bridge.virtual.behaviour import Tear
from reader_bridge.virtual.state import CardState
from tests.parts.chromium import Complaints
from tests.parts.service import Service
from tests.parts.visitor import HOLDER, Visitor

OLD, NEW = "tulip-42", "heron-77"
PATIENCE = 60  # seconds
A_MOMENT = 1000  # ms


def points(some: list[int], *, rest: list[int]) -> list[Any]:
    """The commands at which the card leaves; those of ``rest`` only in the soak test."""
    return [*some, *(pytest.param(at, marks=pytest.mark.soak) for at in rest)]


@pytest.fixture
def visitor(page: Page, service: Service, complaints: Complaints) -> Visitor:
    complaints.expect_status(401, 409)
    return Visitor(page, service)


def will_leave(service: Service, at: int, *, takes_effect: bool) -> None:
    """Have the holder's card leave at its ``at``-th command, before or after it takes effect."""
    state = CardState.load(service.installation.cards / f"{HOLDER}.json")
    state.behaviour = replace(state.behaviour, tear=Tear(at, takes_effect))
    state.save()


def is_in(service: Service) -> bool:
    return any(card["card"] == HOLDER and card["reader"] for card in service.desk.cards())


def persist(visitor: Visitor, passcode: str) -> None:
    """Do what a person does who is asked again: put the card back, type, accept, until it works."""
    page = visitor.page
    field = page.get_by_label("Passcode", exact=True)
    accept = page.get_by_role("button", name="Accept and sign")
    until = monotonic() + PATIENCE
    page.goto("/sign-in")
    while not page.get_by_role("heading", name="Dashboard", level=1).is_visible():
        assert monotonic() < until, page.locator("main").inner_text()
        if not is_in(visitor.service):
            visitor.insert()
        elif "/signed-out" in page.url:
            page.goto("/sign-in")
        elif accept.is_visible() and not field.is_visible():
            with suppress(Error):  # it was pressed already, and the page went on
                accept.click(timeout=A_MOMENT)
        elif field.is_visible():
            with suppress(Error):  # the form went away between look and touch: look again
                field.fill(passcode, timeout=A_MOMENT)
                field.press("Enter", timeout=A_MOMENT)  # a step that works does not hear it
        page.wait_for_timeout(100)


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("at", points([16, 18, 20], rest=[1, 8, 17, 19, 21, 22, 24]))
def test_a_sign_in_is_finished_after_the_card_was_put_back(
    visitor: Visitor, at: int, takes_effect: bool
) -> None:
    will_leave(visitor.service, at, takes_effect=takes_effect)
    persist(visitor, OLD)
    left = {card["card"]: card["passcode_left"] for card in visitor.service.desk.cards()}
    assert left[HOLDER] == 3


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("at", points([25, 26], rest=[23, 24, 27]))
def test_after_a_change_that_was_cut_off_the_new_passcode_or_else_the_old_one_signs_in(
    visitor: Visitor, at: int, takes_effect: bool
) -> None:
    will_leave(visitor.service, at, takes_effect=takes_effect)
    visitor.sign_in()
    visitor.open_change_passcode()
    visitor.type_new_passcode(OLD, NEW)
    page = visitor.page
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(page.locator("main")).to_contain_text("use the new one. If it is refused, use the old")
    visitor.show_card()
    visitor.enter(NEW)
    wrong = page.locator("[data-code=wrong-passcode]")
    dashboard = page.get_by_role("heading", name="Dashboard", level=1)
    expect(wrong.or_(dashboard)).to_be_visible()
    if wrong.is_visible():
        visitor.enter(OLD)
    expect(dashboard).to_be_visible()
