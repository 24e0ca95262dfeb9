"""What every operation has: people in their places, pages that they follow, what must be true."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from app.card_operations.journal import IN_HAND
from app.models import Card
from app.services.demonstration.cards import PLAN, PlannedCard, PlannedState
from tests.faults.killed.browser import GONE, Browser, Misled
from tests.faults.killed.place import Place
from tests.faults.people import NotDone
from tests.faults.truth import must_agree, nothing_is_left_open, passcode_in, row_of, unfinished
from tests.parts.desk import READER_1

MOST_PAGES = 12  # that one attempt may take
NEW = "heron-77"
SAID_NO = 'data-code="'


def planned(state: PlannedState, name: str | None = None) -> PlannedCard:
    """The first card of the demonstration in this state, or the one of this name."""
    return next(card for card in PLAN if card.state is state and name in (None, card.name))


class Operation(ABC):
    """One operation, by people at one PC. ``buttons`` are those that lead through its pages."""

    name: ClassVar[str]
    kills = 8  # of each program
    card: ClassVar[PlannedCard]
    buttons: ClassVar[tuple[str, ...]]

    def __init__(self, place: Place, *, patient: bool) -> None:
        self.place = place
        self.books = place.books
        self.browser = Browser(place, patient=patient)
        self.why = ""  # the last attempt did not get through
        self.misled = False  # by the page, in that attempt

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the operation begins."""

    @abstractmethod
    def ready(self) -> None:
        """Have everybody in place: cards in readers, people signed in."""

    @abstractmethod
    def is_reached(self) -> bool:
        """Whether chip and rows are as the operation leaves them."""

    def typed(self, button: str) -> dict[str, str]:
        """What is typed into the fields of the form with this button."""
        return {"passcode": self.card.passcode, "new_passcode": NEW}

    @abstractmethod
    def sign_in_again(self) -> None:
        """Do what the page says to somebody who has come back to it, before they go on."""

    def begin(self) -> None:
        self.browser.open(self.address)
        self._walk()

    def go_on(self, *, same_page: bool) -> None:
        """Go on as the page says: on it, or after it was closed."""
        if same_page:
            self.browser.wake()
        else:
            self.browser.open(self.browser.address)
        self.sign_in_again()
        if not any(map(self.browser.form, self.buttons)):
            self.browser.open(self.address)
        self._walk()

    def check(self) -> None:
        """Everything is as it should be at the end, and the card lets its holder in."""
        must_agree(self.books, self.card.name)
        self.must_open()
        chip = self.books.cards[self.card.name]
        assert chip.passcode.left == chip.passcode.tries
        nothing_is_left_open(self.books, self.card.name)

    def row(self) -> Card:
        """Within a look at the books."""
        return row_of(self.books.cards[self.card.name])

    def is_settled(self) -> bool:
        """Whether nothing that was begun with the card is to be gone on with."""
        with self.books.request():
            return not unfinished(self.row().id)

    def holds(self, passcode: str) -> bool:
        return passcode_in(self.books.cards[self.card.name]) == passcode

    @property
    def passcode(self) -> str:
        """The passcode that the card should have at the end."""
        return self.card.passcode

    def must_open(self) -> None:
        """Its holder signs in with it, with no try lost, in a browser that knows of nothing."""
        chip = self.books.cards[self.card.name]
        assert self.holds(self.passcode), "another passcode in the chip"
        assert chip.passcode.left == chip.passcode.tries, "a try is lost"
        self.place.insert(self.card.name, READER_1)
        holder = Browser(self.place)
        sign_in(holder, self.passcode)
        assert holder.is_signed_in
        holder.leave()

    def tried(self, action: Callable[[], None]) -> bool:
        """Do it as far as it goes. Says whether the operation is done."""
        self.why, self.misled = "nothing more was done", False
        try:
            action()
        except GONE as error:
            self.why = f"{type(error).__name__}: {error}"
            self.misled = isinstance(error, Misled)
            if "card-in-hand" in self.why:
                self.place.let_time_pass(IN_HAND.total_seconds())
        return self.is_reached()

    def _walk(self) -> None:
        for _ in range(MOST_PAGES):
            if self.is_reached():
                return
            button = next(filter(self.browser.form, self.buttons), None)
            if button is None:
                raise Misled(f"{self.browser.address}: no way on: {self.browser.news[-1500:]}")
            self.browser.press(button, **self.typed(button))
            if SAID_NO in self.browser.news:
                raise NotDone(self.browser.news.split(SAID_NO)[1][:60])
        raise NotDone("too many pages")


def sign_in(browser: Browser, *passcodes: str) -> str:
    """Sign in with the card of the first reader; return the passcode that opened it.

    Of several passcodes the holder types the one that the page asks for: the first is the old one.

    Raises:
        Misled: the page has no way to sign in with this card.
        NotDone: all passcodes were refused.
    """
    if browser.address != "/sign-in" or browser.is_signed_in:
        browser.open("/sign-in")
    if browser.form("Sign in") is None:
        browser.look(READER_1)
    old, new = passcodes[0], passcodes[-1]
    wanted = old
    for _ in range(3):
        not_that = "just typed the old one, use the new one" in browser.news and wanted == old
        wanted = new if not_that or "Use the new passcode" in browser.news else old
        if browser.form("Sign in") is None:
            raise Misled(f"sign-in: {browser.news[-1500:]}")
        browser.press("Sign in", passcode=wanted)
        if browser.is_signed_in:
            return wanted
    raise NotDone("sign-in: no passcode was taken")
