"""Help for people whom self-service does not help: blocked, or not able to use it."""

import pytest
from playwright.sync_api import Page, expect

from tests.parts.second_reader import AGENT, LOCKED, NEW, Counter
from tests.parts.service import Service
from tests.parts.sound import demand_sound
from tests.parts.visitor import Visitor

SPONSOR = "elspeth-marchbanks"
PRIYA = "priya.venkataraman"  # codes go to another address than her contact address


@pytest.fixture
def visitor(page: Page, service: Service) -> Visitor:
    return Visitor(page, service)


def subjects(service: Service, address: str) -> list[str]:
    return [str(message["Subject"]) for message in service.mail.to(address)]


def test_an_agent_lifts_a_block_and_ends_a_registration_with_the_keyboard_alone(
    visitor: Visitor,
) -> None:
    page, service = visitor.page, visitor.service
    visitor.sign_in(AGENT)
    page.get_by_role("link", name="Owen Pritchard").press("Enter")
    section = page.get_by_role("region", name="Self-service")
    expect(section).to_contain_text("o•••@northmere.nhs.uk")
    expect(section).to_contain_text("3 of 3")
    demand_sound(page)
    section.get_by_role("link", name="Lift the block").press("Enter")
    page.get_by_label("Why is the block lifted").focus()
    page.keyboard.type("He called from the ward, and was called back there")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".app-done")).to_contain_text("The block is lifted")
    expect(page.locator(".app-done")).to_be_focused()
    expect(page.locator("#announcer")).to_contain_text("The block is lifted")
    expect(section).to_contain_text("0 of 3")
    demand_sound(page)

    page.goto("/people/500200300116")
    section.get_by_role("link", name="End registration").press("Enter")
    page.get_by_label("Why is the registration ended").fill("Her mailbox has been taken over")
    page.get_by_role("button", name="End registration").press("Enter")
    expect(page.locator(".app-done")).to_contain_text("The registration has ended")
    expect(section).to_contain_text("not registered for self-service")

    service.deliver_mail()
    assert subjects(service, "owen.pritchard") == ["You can use self-service again"]
    ended = "Your registration for self-service has ended"
    assert subjects(service, f"{PRIYA}@northmere.nhs.uk") == [ended]
    assert subjects(service, f"{PRIYA}@nhs.net") == [ended]
    assert "Bryn Llewellyn" in service.mail.messages[0].get_body(("plain",)).get_content()


def test_a_sponsor_unlocks_the_card_of_somebody_who_cannot_do_it_alone(visitor: Visitor) -> None:
    page, service = visitor.page, visitor.service
    counter = Counter(visitor)
    counter.open(LOCKED, agent=SPONSOR)
    section = counter.main.get_by_role("region", name="Self-service")
    expect(section.get_by_text("Needs the role RA Agent")).to_have_count(2)
    counter.choose("Unlock")
    counter.type_new_passcode()
    counter.press("Unlock")
    counter.sees_done("Card unlocked")
    expect(page.locator(".nhsuk-panel")).to_be_focused()
    service.deliver_mail()
    assert subjects(service, "nadia.rahman") == ["Your Smartcard has been unlocked"]
    told = service.mail.messages[0].get_body(("plain",)).get_content()
    assert "Elspeth Marchbanks helped with it" in told
    service.desk.clear()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    visitor.show_card(LOCKED)
    visitor.enter(NEW)
    visitor.reach_dashboard()
