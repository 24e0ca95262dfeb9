"""The table of states: the Smartcard Service Centre, from its front page to the unlocked card."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.parts.at_the_centre import AtTheCentre
from tests.parts.state import State, at, signed_in
from tests.parts.visitor import NEW, Visitor

SHOW, UNLOCK, STEP, CHECK = (
    f"service_centre.{name}" for name in ("show", "unlock", "step", "check")
)


def someone(visitor: Visitor, card: str = "nadia-rahman") -> AtTheCentre:
    return AtTheCentre(visitor.page, visitor.service, card)


def with_card_at(address: str, card: str) -> Callable[[Visitor], None]:
    def show(visitor: Visitor) -> None:
        visitor.insert(card)
        visitor.page.goto(address)

    return show


def turned_away(visitor: Visitor) -> None:
    visitor.insert("owen-pritchard")
    someone(visitor).start()


def at_step(step: str) -> Callable[[Visitor], None]:
    def show(visitor: Visitor) -> None:
        someone(visitor).be_at(step)

    return show


def wrong_answers(visitor: Visitor) -> None:
    person = someone(visitor)
    person.be_at("questions")
    person.answer("something else")


def blocked(visitor: Visitor) -> None:
    wrong_answers(visitor)
    for words in ("something other", "something different"):
        expect(visitor.page.locator("[data-wrong]")).to_be_visible()
        someone(visitor).answer(words)


def wrong_code(visitor: Visitor) -> None:
    at_step("code")(visitor)
    someone(visitor).enter_code("000 000")


def passcode_too_easy(visitor: Visitor) -> None:
    at_step("passcode")(visitor)
    someone(visitor).choose_passcode("12345678")


def another_card(visitor: Visitor) -> None:
    at_step("passcode")(visitor)
    visitor.service.desk.remove()
    visitor.insert("grace-adeyemi")


def unlocked(visitor: Visitor) -> None:
    """A card whose certificates have expired: the longest of these pages."""
    person = someone(visitor, "keira-osullivan")
    person.be_at("passcode")
    person.choose_passcode(NEW)


def gone_on(visitor: Visitor) -> None:
    at_step("code")(visitor)
    visitor.page.goto("/service-centre/unlock")


SERVICE_CENTRE_STATES: tuple[State, ...] = (
    State("Service Centre", SHOW, at("/service-centre"), "You do not need to sign in"),
    State(
        "unlock, card in", UNLOCK, with_card_at("/service-centre/unlock", "nadia-rahman"), "0114"
    ),
    State(
        "unlock, signed in", UNLOCK, signed_in(address="/service-centre/unlock"), "is not locked"
    ),
    State("unlock, begun before", UNLOCK, gone_on, "from where you stopped"),
    State("unlock, turned away", UNLOCK, turned_away, "cannot be unlocked here"),
    State("unlock, wrong answers", STEP, wrong_answers, "2 tries left"),
    State("unlock, blocked", STEP, blocked, "self-service is blocked"),
    State("unlock, wrong code", STEP, wrong_code, "4 tries are left", status=422),
    State("unlock, passcode too easy", STEP, passcode_too_easy, "easy to guess"),
    State("unlock, another card", STEP, another_card, "not the card that you began with"),
    State("unlocked, and expired", STEP, unlocked, "has to repair it"),
    State("unlock, over", STEP, at("/service-centre/unlock/nothing"), "This unlock has ended"),
    State(
        "check, locked", CHECK, with_card_at("/service-centre/check", "nadia-rahman"), "is locked"
    ),
    State(
        "check, ready", CHECK, with_card_at("/service-centre/check", "grace-adeyemi"), "tries left"
    ),
)
