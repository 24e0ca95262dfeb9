"""The table of states: the Smartcard Service Centre.

The further states of its pages are looked over on the way, in browser/test_service_centre.py.
"""

from playwright.sync_api import expect

from tests.parts.at_the_centre import NADIA, AtTheCentre
from tests.parts.desk import READER_2
from tests.parts.state import State, at, signed_in
from tests.parts.visitor import HOLDER, Visitor

SHOW, UNLOCK, STEP, CHECK = (
    f"service_centre.{name}" for name in ("show", "unlock", "step", "check")
)
UNLOCKING, CHECKING = "/service-centre/unlock", "/service-centre/check"


def turned_away(visitor: Visitor) -> None:
    visitor.insert("owen-pritchard")
    AtTheCentre(visitor.page, visitor.service).start()


def one_card_after_the_other(visitor: Visitor) -> None:
    visitor.insert(NADIA)
    visitor.page.goto(CHECKING)
    expect(visitor.page.locator("[data-look=locked]")).to_be_visible()
    visitor.insert(HOLDER, READER_2)


SERVICE_CENTRE_STATES: tuple[State, ...] = (
    State("Service Centre", SHOW, at("/service-centre"), "You do not need to sign in"),
    State("unlock, signed in", UNLOCK, signed_in(address=UNLOCKING), "it is not locked"),
    State("unlock, turned away", UNLOCK, turned_away, "cannot be unlocked here"),
    State("unlock, over", STEP, at(f"{UNLOCKING}/nothing"), "This unlock has ended"),
    State("check, two cards", CHECK, one_card_after_the_other, "Your card can be used"),
)
