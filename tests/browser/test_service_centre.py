"""Unlocking one's own card at the Service Centre, as the guide has it: in the browser, with real
mail, until its holder is signed in with the new passcode."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.parts.at_the_centre import NADIA, AtTheCentre
from tests.parts.chromium import Complaints
from tests.parts.pcscd import PrivatePcscd, private_pcscd
from tests.parts.service import Service
from tests.parts.sound import demand_sound
from tests.parts.visitor import HOLDER, NEW, Visitor

__all__ = ["private_pcscd"]

PRIYA = "priya-venkataraman"  # registered; her card is not locked, and has RSA keys
KEIRA = "keira-osullivan"  # registered; her card has expired
OTHER = "egret-58"


@pytest.fixture
def nadia(page: Page, service: Service) -> AtTheCentre:
    return AtTheCentre(page, service)


def summary(page: Page) -> Locator:
    return page.locator(".nhsuk-error-summary")


def main(page: Page) -> Locator:
    return page.locator("main")


def test_the_whole_guide_with_each_refusal_on_the_way(
    nadia: AtTheCentre, service: Service, complaints: Complaints
) -> None:
    complaints.expect_status(422)
    page = nadia.page
    Visitor(page, service).show_card(NADIA)
    page.get_by_role("button", name="Unlock your Smartcard").click()
    expect(main(page)).to_contain_text("disciplinary action")
    expect(main(page)).to_contain_text("5002\u00a00030\u00a00114")
    demand_sound(page)
    page.get_by_role("button", name="Start", exact=True).click()

    nadia.expect_heading("step 2 of 5")
    page.get_by_role("button", name="Continue").click()
    expect(summary(page)).to_contain_text("Enter your answer")
    expect(page.locator("[data-tries-left]")).to_have_count(0)  # nothing was guessed
    nadia.answer("something else")
    expect(page.locator("[data-wrong]")).to_be_focused()
    expect(page.locator("[data-tries-left='2']")).to_be_visible()
    expect(page).to_have_title(re.compile("^Error: "))
    demand_sound(page)
    nadia.answer()

    nadia.expect_heading("step 3 of 5")
    expect(main(page)).to_contain_text("on its way to your registered email, n•••@")
    expect(main(page)).to_contain_text("Junk")
    demand_sound(page)
    first = nadia.mailed_code()
    expect(main(page)).to_contain_text("It is valid until")
    nadia.enter_code("12345")
    expect(summary(page)).to_contain_text("6 digits")
    nadia.enter_code("000 000" if first != "000000" else "000 001")
    expect(summary(page)).to_contain_text("4 tries are left")
    demand_sound(page)
    page.goto("/service-centre")
    page.get_by_role("button", name="Continue to unlock").click()
    page.get_by_role("button", name="Send a new code").click()
    expect(main(page)).to_contain_text("on its way to your registered email")
    second = nadia.mailed_code()
    expect(main(page)).to_contain_text("It is valid until")
    nadia.enter_code(f"{second[:3]} {second[3:]}")

    nadia.expect_heading("step 4 of 5")
    expect(page.get_by_label("New passcode", exact=True)).to_be_visible()
    service.desk.remove()
    expect(main(page)).to_contain_text("Your card was taken out")
    nadia.card = HOLDER
    nadia.insert()
    expect(main(page)).to_contain_text("not the card that you began with")
    demand_sound(page)
    service.desk.remove()
    nadia.card = NADIA
    nadia.insert()
    nadia.choose_passcode("12345678")
    expect(page.locator("[data-code=passcode-refused]")).to_contain_text("easy to guess")
    demand_sound(page)
    nadia.choose_passcode(NEW)

    nadia.expect_heading("Your Smartcard is unlocked")
    expect(main(page)).to_contain_text("step 5 of 5")
    demand_sound(page)
    page.reload()
    nadia.expect_heading("Your Smartcard is unlocked")
    page.get_by_role("button", name="Sign in", exact=True).click()
    visitor = Visitor(page, service)
    visitor.enter(NEW)
    visitor.reach_dashboard()
    service.deliver_mail()
    told = [each for each in service.mail.messages if "unlocked" in str(each["Subject"])]
    assert [str(each["To"]) for each in told] == ["nadia.rahman@northmere.nhs.uk"]


def test_after_the_third_failure_only_the_registration_authority_helps(
    nadia: AtTheCentre, service: Service
) -> None:
    """And from then on the card is answered as one that was cancelled is."""
    page = nadia.page
    nadia.be_at("questions")
    for words, seen in (
        ("something else", "[data-tries-left='2']"),
        ("something other", "[data-tries-left='1']"),
        ("something different", "[data-blocked]"),
    ):
        nadia.answer(words)
        expect(page.locator(seen)).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("Northmere University Hospital")
    demand_sound(page)
    said = []
    for card in (NADIA, "mei-lin-zhao", "lachlan-mackenzie", HOLDER):
        service.desk.remove()
        nadia.card = card
        nadia.insert()
        nadia.start()
        expect(page.locator("[data-refused]")).to_be_visible()
        said.append(page.locator("[data-refused]").inner_html())
    assert len(set(said)) == 1


def test_an_expired_card_is_unlocked_and_its_holder_told_of_the_repair(
    page: Page, service: Service
) -> None:
    keira = AtTheCentre(page, service, KEIRA)
    keira.be_at("passcode")
    keira.choose_passcode(NEW)
    keira.expect_heading("Your Smartcard is unlocked")
    expect(page.locator("[data-repair]")).to_contain_text("has to repair it")
    demand_sound(page)


def test_an_answer_that_is_lost_on_its_way_is_recovered_in_the_same_browser(
    nadia: AtTheCentre, service: Service, complaints: Complaints
) -> None:
    """The card has its new passcode, and the service does not hear of it: another one is typed."""
    complaints.expect("Failed to load resource|/result net::ERR_FAILED")
    page = nadia.page
    nadia.be_at("passcode")
    page.route("**/card-operations/*/result", lambda route: route.abort())
    nadia.choose_passcode(NEW)
    expect(page.locator("[data-word=no-server]")).to_be_visible()
    page.unroute("**/card-operations/*/result")
    page.goto("/service-centre/unlock")
    page.get_by_role("link", name="Go on from where you stopped").click()
    expect(page.locator("[data-cut]")).to_be_visible()
    nadia.choose_passcode(OTHER)
    nadia.expect_heading("Your Smartcard is unlocked")
    visitor = Visitor(page, service)
    page.goto("/sign-in")
    visitor.enter(OTHER)
    visitor.reach_dashboard()


def test_a_forgotten_passcode_is_replaced_through_pcsc(
    page: Page,
    service: Service,
    private_pcscd: PrivatePcscd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(private_pcscd.socket))
    priya = AtTheCentre(page, service, PRIYA)
    with service.bridge_with("pcsc"):
        private_pcscd.insert(0, service.installation.cards / f"{PRIYA}.json")
        page.goto("/service-centre/check")
        expect(main(page)).to_contain_text("Your card can be used")
        page.get_by_role("link", name="Unlock your Smartcard").click()
        page.get_by_role("button", name="Start", exact=True).click()
        priya.answer()
        priya.expect_heading("Enter your unlock code")
        priya.enter_code(priya.mailed_code())
        priya.choose_passcode(NEW)
        priya.expect_heading("Your Smartcard is unlocked")
        page.get_by_role("button", name="Sign in", exact=True).click()
        visitor = Visitor(page, service)
        visitor.enter(NEW)
        visitor.reach_dashboard()
        private_pcscd.remove(0)
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
