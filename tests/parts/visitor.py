"""A person at a PC: puts a card into a reader, types its passcode, and signs in."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from app.cli.bridge_page import bridge_page
from app.services.demonstration import PLAN
from app.services.demonstration.cards import PlannedCard
from tests.parts.desk import READER_1, Desk
from tests.parts.http_person import DASHBOARD, EXPIRY, Person
from tests.parts.service import Service

CARDS = {card.name: card for card in PLAN}
HOLDER = "grace-adeyemi"  # a card holder like most: one position, no role
MANAGER = "amara-okafor"  # three positions, so she chooses one
WRONG = "otter-31"
NEW = "heron-77"


@dataclass(frozen=True)
class Visitor:
    """One person with one browser, whose cards are the demonstration's."""

    page: Page
    service: Service
    at: Desk | None = None  # the readers of the PC, where it is not the first

    @property
    def desk(self) -> Desk:
        return self.at or self.service.desk

    def insert(self, card: str = HOLDER, reader: str = READER_1) -> PlannedCard:
        self.desk.insert(card, reader)
        return CARDS[card]

    def show_card(self, card: str = HOLDER) -> PlannedCard:
        """Come to the sign-in page with a card in the reader."""
        planned = self.insert(card)
        self.page.goto("/sign-in")
        return planned

    def type_passcode(self, passcode: str, label: str = "Passcode") -> None:
        self.page.get_by_label(label, exact=True).fill(passcode)
        # A form that is sent before its script has come would only load the page anew
        expect(self.page.locator("card-step:not(:defined)")).to_have_count(0)

    def enter(self, passcode: str) -> None:
        """Type a passcode and press Sign in."""
        self.type_passcode(passcode)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def choose_role(self, role: str) -> None:
        self.page.get_by_label(role).check()
        self.page.get_by_role("button", name="Continue").click()

    def reach_dashboard(self) -> None:
        """Accept the terms if they are due, put off renewing, and come to the dashboard."""
        accept = self.page.get_by_role("button", name="Accept and sign")
        later = self.page.get_by_role("button", name="Later", exact=True)
        dashboard = self.page.get_by_role("heading", name="Dashboard", level=1)
        expect(accept.or_(later).or_(dashboard)).to_be_visible()
        if accept.is_visible():
            accept.click()
            expect(later.or_(dashboard)).to_be_visible()
        if later.is_visible():
            later.click()
        expect(dashboard).to_be_visible()

    def sign_in(self, card: str = HOLDER, role: str | None = None) -> None:
        """Be signed in, at the dashboard. For tests of what comes after that."""
        self.be_signed_in(card, role)
        self.page.goto(DASHBOARD)
        expect(self.page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()

    def be_signed_in(self, card: str = HOLDER, role: str | None = None) -> None:
        """Be signed in, with no page open.

        The pages on the way are not opened: the card makes the same statements, and the browser is
        given the cookie. At another PC they are.
        """
        if self.at is not None:
            self.sign_in_by_hand(card, role)
            return
        planned = self.insert(card)
        installation = self.service.installation
        with bridge_page(installation.bridge_listens_on, installation.origin) as page:
            person = Person(page, (installation.port, installation.port))
            answer = person.bring_card(planned.passcode)
            if role is not None:
                answer = person.choose_role(answer, role)
            if answer.goes_to is None:
                answer = person.accept_terms(answer)
        assert answer.goes_to in (DASHBOARD, EXPIRY), answer.text
        cookies = [
            {"name": name, "value": value, "url": self.service.origin, "httpOnly": True}
            for name, value in person.cookies.items()
        ]
        self.page.context.add_cookies(cookies)

    def watches(self, page: Page | None = None) -> None:
        """Wait until this tab is the one that watches the reader."""
        tab = self.page if page is None else page
        tab.locator("session-guard[watching]").wait_for(state="attached")

    def sign_in_by_hand(self, card: str = HOLDER, role: str | None = None) -> None:
        """Go all the way to the dashboard; ``role`` is one of the choices, where there are some."""
        self.enter(self.show_card(card).passcode)
        if role is not None:
            self.choose_role(role)
        self.reach_dashboard()

    def sign_out(self) -> None:
        self.watches()  # it has introduced its bridge, which it could not when it is signed out
        self.page.get_by_role("button", name="Sign out").click()
        expect(self.page.get_by_role("heading", name="You are signed out")).to_be_visible()

    def open_card_services(self) -> None:
        """Go from the profile to the services of the card that is signed in."""
        # Named whole: a browser that is only visited resolves no path
        self.page.goto(f"{self.service.origin}/profile")
        self.page.get_by_role("button", name=re.compile("^Service")).first.click()

    def open_change_passcode(self) -> None:
        self.open_card_services()
        self.page.get_by_role("link", name="Change passcode").click()

    def type_new_passcode(self, current: str, new: str, again: str | None = None) -> None:
        """Fill in the three fields and press Confirm."""
        self.type_passcode(current, "Current passcode")
        self.type_passcode(new, "New passcode")
        self.type_passcode(new if again is None else again, "New passcode again")
        self.page.get_by_role("button", name="Confirm").click()

    def change_passcode(self, current: str, new: str) -> None:
        self.open_change_passcode()
        self.type_new_passcode(current, new)
        expect(self.page.get_by_role("heading", name="Passcode changed")).to_be_visible()
