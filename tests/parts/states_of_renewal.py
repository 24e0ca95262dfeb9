"""The table of states: renewing the certificates of one's own card."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.parts.renewer import (
    FIRST_KEY,
    HALF,
    LAST_WORDS,
    THIRD,
    lose_answer,
    open_renewal,
    press_renew,
    put_back,
    renew,
    renewed,
)
from tests.parts.state import State
from tests.parts.visitor import HOLDER, WRONG, Visitor

SIGN_IN = "auth.sign_in"
RENEW = "renewal.show"


def at_renewal_of(card: str) -> Callable[[Visitor], None]:
    """Show the page to somebody who cannot renew now."""

    def show(visitor: Visitor) -> None:
        visitor.be_signed_in(card)
        visitor.open_card_services()
        visitor.page.goto(visitor.page.url.replace("/service", "/renew"))

    return show


def wrong_passcode(visitor: Visitor) -> None:
    open_renewal(visitor)
    press_renew(visitor, WRONG)


def interrupted(arrive: int) -> Callable[[Visitor], None]:
    """Show the page after a reload, still signed in."""

    def show(visitor: Visitor) -> None:
        lose_answer(visitor, arrive)
        visitor.page.reload()

    return show


def half_renewed_card(visitor: Visitor) -> None:
    lose_answer(visitor, HALF)
    put_back(visitor)
    expect(visitor.page.get_by_role("button", name="Continue", exact=True)).to_be_visible()


def half_renewed_wrong_passcode(visitor: Visitor) -> None:
    half_renewed_card(visitor)
    press_renew(visitor, WRONG, button="Continue")


def finished_at_sign_in(visitor: Visitor) -> None:
    half_renewed_card(visitor)
    press_renew(visitor, button="Continue")
    renewed(visitor)


RENEWAL_STATES: tuple[State, ...] = (
    State("renew", RENEW, open_renewal, "another two years"),
    State("renew, not yet", RENEW, at_renewal_of(HOLDER), "Opens on"),
    State("renew, the third time", RENEW, at_renewal_of(THIRD), "Every third renewal needs"),
    State("renewed", RENEW, renew, "Certificates renewed"),
    State("renew, wrong passcode", RENEW, wrong_passcode, "2 tries are left"),
    State("renewal interrupted at once", RENEW, interrupted(FIRST_KEY), "still work"),
    State("renewal interrupted halfway", RENEW, interrupted(HALF), "has to be finished"),
    State("renewal interrupted at the end", RENEW, interrupted(LAST_WORDS), "last certificate"),
    State("half renewed card", SIGN_IN, half_renewed_card, "Your renewal was interrupted"),
    State("half renewed, wrong passcode", SIGN_IN, half_renewed_wrong_passcode, "2 tries are left"),
    State("renewed at sign-in", SIGN_IN, finished_at_sign_in, "Now sign in"),
)
