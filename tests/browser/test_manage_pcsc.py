"""Manage Smartcard with both cards in readers of PC/SC."""

import pytest
from playwright.sync_api import Page, expect

from tests.parts.pcscd import PrivatePcscd, private_pcscd
from tests.parts.second_reader import AGENT, EXPIRING, Counter
from tests.parts.service import Service
from tests.parts.visitor import CARDS, Visitor

__all__ = ["private_pcscd"]


def test_an_agent_renews_a_users_card_in_the_second_reader_of_pcsc(
    page: Page,
    service: Service,
    private_pcscd: PrivatePcscd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(private_pcscd.socket))
    visitor = Visitor(page, service)
    counter = Counter(visitor)
    cards = service.installation.cards
    with service.bridge_with("pcsc"):
        private_pcscd.insert(0, cards / f"{AGENT}.json")
        page.goto("/sign-in")
        visitor.enter(CARDS[AGENT].passcode)
        visitor.reach_dashboard()
        page.goto("/manage-smartcard")
        expect(counter.main.locator("[data-reader-state=no-card]")).to_be_visible()

        private_pcscd.insert(1, cards / f"{AGENT}.json")
        expect(counter.main.locator("[data-second=same]")).to_be_visible()
        private_pcscd.remove(1)
        expect(counter.main.locator("[data-reader-state=card-removed]")).to_be_visible()

        private_pcscd.insert(1, cards / f"{EXPIRING}.json")
        counter.choose("Renew certificates")
        counter.type_passcode(EXPIRING)
        counter.press("Continue")
        counter.sees_done("Certificates renewed")

        counter.visitor.watches()
        private_pcscd.remove(0)
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
