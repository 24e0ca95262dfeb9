"""An agent and a user at one PC with two readers: whose hands do what."""

from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from tests.parts.desk import READER_1, READER_2
from tests.parts.visitor import CARDS, HOLDER, Visitor

AGENT = "bryn-llewellyn"  # Advanced RA Agent of the hospital, with no other position
EXPIRING, EXPIRED, LOCKED = "isla-farquharson", "keira-osullivan", "nadia-rahman"
BLANK, CANCELLED = "blank-1", "mei-lin-zhao"
NEW = "heron-77"


@dataclass(frozen=True)
class Counter:
    """An agent at Manage Smartcard; the user's card comes and goes in the second reader."""

    visitor: Visitor

    @property
    def main(self) -> Locator:
        return self.visitor.page.locator("main")

    def open(self, user: str | None = HOLDER, agent: str = AGENT, role: str | None = None) -> None:
        """Sign the agent in, and put the user's card into the second reader."""
        self.visitor.be_signed_in(agent, role)
        if user is not None:
            self.user_puts_in(user)
        self.visitor.page.goto("/manage-smartcard")

    def user_puts_in(self, card: str = HOLDER) -> None:
        self.visitor.insert(card, READER_2)

    def user_takes_out(self) -> None:
        self.visitor.desk.remove(READER_2)

    def agent_takes_out(self) -> None:
        self.visitor.desk.remove(READER_1)

    def choose(self, service: str) -> None:
        """Choose a service of the card that is shown."""
        expect(self.main.get_by_role("heading", name="Service for card")).to_be_visible()
        self.main.get_by_role("link", name=service, exact=True).click()
        expect(self.visitor.page.get_by_role("heading", name=service, level=1)).to_be_visible()

    def press(self, button: str) -> None:
        self.main.get_by_role("button", name=button, exact=True).click()

    def type_passcode(self, card: str, label: str = "User’s passcode") -> None:
        self.visitor.type_passcode(CARDS[card].passcode, label)

    def type_new_passcode(self, new: str = NEW, again: str | None = None) -> None:
        self.visitor.type_passcode(new, "New passcode")
        self.visitor.type_passcode(new if again is None else again, "New passcode again")

    def check_identity(self, button: str, agent: str = AGENT) -> None:
        """Tick what was seen, and sign for it with the agent's own card."""
        page = self.visitor.page
        page.get_by_label("Passport").check()
        page.get_by_label("The photo that we hold").check()
        self.visitor.type_passcode(CARDS[agent].passcode, "Your own passcode")
        self.press(button)

    def sees_done(self, title: str) -> None:
        heading = self.visitor.page.get_by_role("heading", name=title, level=1)
        expect(heading).to_be_visible()
