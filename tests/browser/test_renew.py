"""A holder renews the certificates of their card: straight, by keyboard, and pulled out halfway."""

import re

from playwright.sync_api import Page, Route, expect

from tests.parts.answers_on_the_way import leave_answers_alone, on_answers
from tests.parts.cards import make_as_fast_as
from tests.parts.renewer import (
    EXPIRING,
    given_up,
    open_renewal,
    press_renew,
    put_back,
    renew,
    renewed,
)
from tests.parts.service import Service
from tests.parts.visitor import CARDS, Visitor

TWO_YEARS = re.compile(r"They are good until the end of \d+ \w+ \d{4}")


def stages(page: Page) -> list[str]:
    return [each.strip() for each in page.locator("[data-stages] li").all_inner_texts()]


def test_the_prompt_at_sign_in_leads_to_new_certificates(page: Page, service: Service) -> None:
    visitor = Visitor(page, service)
    visitor.enter(visitor.show_card(EXPIRING).passcode)
    page.get_by_role("button", name="Accept and sign").click()
    page.get_by_role("button", name="Renew now").click()
    press_renew(visitor)
    renewed(visitor)
    expect(page.locator("main")).to_contain_text(TWO_YEARS)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text("is in order")
    visitor.sign_out()
    page.goto("/sign-in")
    visitor.enter(CARDS[EXPIRING].passcode)
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_what_is_told_is_what_really_happens_and_in_order(page: Page, service: Service) -> None:
    file = service.installation.cards / f"{EXPIRING}.json"
    make_as_fast_as(file, {"command_seconds": 0.05})  # so that there is time to tell of a stage
    visitor = Visitor(page, service)
    open_renewal(visitor)
    told: list[str] = []

    def note(route: Route) -> None:
        told[:] = stages(page)
        route.continue_()

    on_answers(page, note)
    press_renew(visitor)
    renewed(visitor)
    assert told == [
        "Checking the card",
        "Checking your passcode",
        "Signing with the card",
        "Proving the card to the service",
        "Making the signature key on the card",
        "Writing to the card",
        "Checking what was written",
        "Making the authentication key on the card",
        "Writing to the card",
        "Checking what was written",
    ]


def test_it_can_be_done_by_keyboard_alone(page: Page, service: Service) -> None:
    visitor = Visitor(page, service)
    open_renewal(visitor)
    field = page.get_by_label("Passcode", exact=True)
    for _ in range(30):
        if field.evaluate("(input) => input === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.type(CARDS[EXPIRING].passcode)
    page.keyboard.press("Enter")
    renewed(visitor)
    expect(page.locator("[data-focus]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_the_holder_is_told_by_mail(page: Page, service: Service) -> None:
    renew(Visitor(page, service))
    service.deliver_mail()
    subjects = [message["Subject"] for message in service.mail.messages]
    assert "The certificates on your Smartcard have been renewed" in subjects


def test_a_card_that_was_pulled_out_halfway_is_continued_where_it_is_put_back(
    page: Page, service: Service
) -> None:
    visitor = Visitor(page, service)
    open_renewal(visitor)
    brought = 0

    def pull(route: Route) -> None:
        nonlocal brought
        brought += 1
        if brought == 2:  # the new signature key is made, and about to be certified
            service.desk.remove()
        route.continue_()

    on_answers(page, pull)
    press_renew(visitor)
    expect(page.get_by_text("If you were renewing your certificates")).to_be_visible()
    leave_answers_alone(page)
    visitor.show_card(EXPIRING)
    press_renew(visitor, button="Continue")
    renewed(visitor)
    page.get_by_role("button", name="Sign in").click()
    visitor.enter(CARDS[EXPIRING].passcode)
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text("is in order")


def test_after_the_last_answer_was_lost_the_new_key_signs_in_and_is_led_to_the_end(
    page: Page, service: Service
) -> None:
    visitor = Visitor(page, service)
    open_renewal(visitor)
    brought = 0

    def lose(route: Route) -> None:
        nonlocal brought
        brought += 1
        if brought >= 4:
            route.abort("aborted")
        else:
            route.continue_()

    on_answers(page, lose)
    press_renew(visitor)
    given_up(visitor)
    leave_answers_alone(page)
    put_back(visitor)
    visitor.enter(CARDS[EXPIRING].passcode)
    expect(page.get_by_role("heading", name="Renew certificates", level=1)).to_be_visible()
    press_renew(visitor, button="Continue")
    renewed(visitor)
