"""The card desk: cards are moved by buttons, and every other page notices."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.parts.chromium import NARROW, overflows
from tests.parts.service import Service

GRACE = "Grace Adeyemi"


@pytest.fixture
def desk(page: Page, service: Service) -> Page:
    page.goto("/demo/card-desk")
    page.get_by_role("heading", name=GRACE).wait_for()
    return page


def press(page: Page, what: str, whose: str = GRACE) -> None:
    page.get_by_role("button", name=re.compile(f"^{what}.*{whose}")).click()


def test_a_card_put_in_at_the_desk_is_asked_for_its_passcode_at_the_sign_in_page(
    desk: Page, context: BrowserContext
) -> None:
    other = context.new_page()
    other.goto("/sign-in")
    press(desk, "Put into Virtual reader 1")
    expect(other.get_by_label("Passcode", exact=True)).to_be_visible()
    press(desk, "Take out of Virtual reader 1")
    expect(other.locator("[data-reader-state=card-removed]")).to_be_visible()


def test_the_desk_shows_where_each_card_is_and_what_to_type(desk: Page) -> None:
    card = desk.locator("li[data-card=grace-adeyemi]")
    expect(card).to_contain_text("tulip-42")
    expect(card).to_contain_text("On the desk")
    press(desk, "Put into Virtual reader 2")
    expect(card).to_contain_text("In Virtual reader 2")
    expect(desk.locator("[data-part=readers]")).to_contain_text(GRACE)


def test_a_reader_takes_one_card_so_another_one_swaps_it(desk: Page) -> None:
    press(desk, "Put into Virtual reader 1")
    press(desk, "Put into Virtual reader 1", "Amara Okafor")
    expect(desk.locator("li[data-card=grace-adeyemi]")).to_contain_text("On the desk")
    expect(desk.locator("li[data-card=amara-okafor]")).to_contain_text("In Virtual reader 1")


def test_a_press_outlives_what_happens_to_another_card_meanwhile(
    desk: Page, service: Service
) -> None:
    desk.get_by_role("button", name=re.compile("^Put into Virtual reader 2.*Amara Okafor")).hover()
    desk.mouse.down()
    service.desk.insert("grace-adeyemi")
    expect(desk.locator("li[data-card=grace-adeyemi]")).to_contain_text("In Virtual reader 1")
    desk.mouse.up()
    expect(desk.locator("li[data-card=amara-okafor]")).to_contain_text("In Virtual reader 2")


def test_a_card_can_be_locked(desk: Page) -> None:
    press(desk, "Lock")
    expect(desk.locator("li[data-card=grace-adeyemi]")).to_contain_text("locked")


def test_a_card_aged_by_700_days_soon_expires(desk: Page) -> None:
    card = desk.locator("li[data-card=grace-adeyemi]")
    press(desk, "Put into Virtual reader 1")
    press(desk, "Age by 700 days")
    expect(card.get_by_role("status")).to_contain_text("Now expires on")


def test_the_desk_fits_a_narrow_window(desk: Page) -> None:
    desk.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert overflows(desk) <= 0


def test_cards_are_found_by_what_is_typed_without_asking_the_server(desk: Page) -> None:
    shown = desk.locator("li[data-card]:visible h3")
    everybody = shown.count()
    desk.context.set_offline(True)
    desk.get_by_role("link", name="Go to the cards").press("Enter")
    desk.keyboard.press("Tab")
    desk.keyboard.type("JOAO")
    expect(shown).to_have_text(["João Ferreira"])
    expect(desk.locator("#found-cards")).to_have_text(f"1 of {everybody} cards")
    desk.keyboard.press("Control+A")
    desk.keyboard.type("5002 0030 0107")
    expect(shown).to_have_text([GRACE])
    desk.keyboard.press("Control+A")
    desk.keyboard.type("nobody at all")
    expect(shown).to_have_count(0)
    desk.keyboard.press("Escape")
    expect(shown).to_have_count(everybody)


def test_an_empty_reader_is_as_high_as_a_full_one(desk: Page) -> None:
    readers = desk.locator(".card-desk__reader")

    def heights() -> set[float]:
        boxes = [reader.bounding_box() for reader in readers.all()]
        return {box["height"] for box in boxes if box}

    before = heights()
    press(desk, "Put into Virtual reader 1")
    expect(readers.first).to_contain_text(GRACE)
    assert heights() == before
    assert len(before) == 1
