"""The reader check, live: what is put in, taken out and typed on the keyboard."""

import json
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from reader_bridge.__main__ import main as bridge
from tests.parts.chromium import Complaints, context_of
from tests.parts.service import Service
from tests.parts.visitor import HOLDER, MANAGER, Visitor


def test_a_card_is_noticed_when_it_is_put_in_and_when_it_is_taken_out(
    page: Page, service: Service
) -> None:
    page.goto("/reader-check")
    cards = page.locator("[data-check=card]")
    expect(cards).to_contain_text("There is none in a reader")
    Visitor(page, service).insert(HOLDER)
    expect(cards).to_contain_text("was issued by this service")
    expect(page.locator("[data-check=readers]")).to_contain_text("a card is in it")
    service.desk.remove()
    expect(cards).to_contain_text("There is none in a reader")
    expect(page.locator("[data-check=readers]")).not_to_contain_text("a card is in it")


def test_what_has_changed_is_read_out(page: Page, service: Service) -> None:
    page.goto("/reader-check")
    expect(page.locator("[data-check=card]")).to_contain_text("There is none in a reader")
    Visitor(page, service).insert(HOLDER)
    expect(page.locator("#announcer")).to_contain_text("Cards: Working The card can be read")


def test_a_policy_is_copied_by_keyboard(page: Page, service: Service) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/reader-check")
    copied = page.locator("copy-text", has=page.locator("#policy-chromium"))
    expect(copied.get_by_role("button")).to_be_visible()  # its script comes after the page
    page.locator("#policy-chromium").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(copied.locator("[data-said]")).to_have_text("Copied")
    text = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert text["LoopbackNetworkAllowedForUrls"] == [service.origin]


def test_where_the_clipboard_is_closed_the_text_is_selected_instead(
    page: Page, service: Service
) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto("/reader-check")
    copied = page.locator("copy-text", has=page.locator("#policy-firefox"))
    copied.get_by_role("button").click()
    expect(copied.locator("[data-said]")).to_contain_text("press Ctrl and C")
    assert "SkipDomains" in page.evaluate("getSelection().toString()")


def test_without_script_nothing_pretends_to_check(browser: Browser, service: Service) -> None:
    with browser.new_context(java_script_enabled=False, base_url=service.origin) as context:
        page = context.new_page()
        page.goto("/reader-check")
        expect(page.locator("reader-check")).to_be_hidden()
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        expect(page.locator("#policy-firefox")).to_be_visible()


def test_nobody_signs_in_at_a_blocked_pc_and_the_page_says_why(
    page: Page, service: Service, complaints: Complaints
) -> None:
    complaints.expect_status(409)
    thumbprint = service.flask("workstations", "list").split()[0]
    service.flask("workstations", "block", thumbprint, "--reason", "Test")
    visitor = Visitor(page, service)
    visitor.enter(visitor.show_card(HOLDER).passcode)
    expect(page.get_by_text("This PC has been blocked")).to_be_visible()


def test_an_install_code_of_the_page_enrols_a_pc_by_the_bridge_s_command(
    page: Page, service: Service, browser: Browser, tmp_path: Path
) -> None:
    visitor = Visitor(page, service)
    visitor.sign_in(MANAGER, "RA Manager")
    page.goto("/workstations/install-codes")
    page.get_by_label("What is it for?").fill("Ward 4")
    page.get_by_role("button", name="Make an install code").click()
    code = page.locator(".app-install-code").inner_text()
    settings = tmp_path / "bridge.toml"
    settings.write_text(service.installation.bridge_settings.read_text())
    command = ["--config", str(settings), "--state", str(tmp_path), "--server", service.origin]
    assert bridge([*command, "--enrol", code]) == 0
    page.goto("/workstations?state=enrolled")
    expect(page.get_by_role("row")).to_have_count(3)  # the titles, this bridge, the new one
    page.goto("/workstations/install-codes")
    expect(page.get_by_role("cell", name="Used up")).to_be_visible()
    with context_of(browser, service.origin, Complaints()) as other:
        assert other.request.get("/workstations").url.endswith("/sign-in")
