"""The same pages with a card in a reader of PC/SC: page, bridge, pcscd, virtual card."""

import pytest
from playwright.sync_api import Page, expect

from tests.parts.pcscd import PrivatePcscd, private_pcscd
from tests.parts.registrar import Registrar
from tests.parts.service import Service
from tests.parts.visitor import HOLDER, MANAGER, Visitor

__all__ = ["private_pcscd"]


def test_a_person_signs_in_shows_and_changes_the_passcode_and_is_signed_out_by_pulling_the_card(
    page: Page,
    service: Service,
    private_pcscd: PrivatePcscd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(private_pcscd.socket))
    visitor = Visitor(page, service)
    cards = service.installation.cards
    with service.bridge_with("pcsc"):
        page.goto("/sign-in")
        expect(page.locator("[data-reader-state=no-card]")).to_be_visible()
        private_pcscd.insert(0, cards / f"{MANAGER}.json")
        expect(page.locator("main")).to_contain_text("5002\u00a00030\u00a00101")
        private_pcscd.remove(0)
        expect(page.locator("[data-reader-state=card-removed]")).to_be_visible()

        private_pcscd.insert(0, cards / f"{HOLDER}.json")
        visitor.enter("tulip-42")
        visitor.reach_dashboard()
        registrar = Registrar(visitor)
        page.goto("/profile/self-service/register/passcode")
        registrar.show_passcode("tulip-42")
        registrar.at("Security questions")
        visitor.change_passcode("tulip-42", "heron-77")
        visitor.watches()
        private_pcscd.remove(0)
        heading = page.get_by_role("heading", name="You are signed out")
        expect(heading).to_be_visible()
