"""A holder who renews the certificates of their card in a browser, and is interrupted."""

from playwright.sync_api import expect

from tests.parts.answers_on_the_way import lose_one
from tests.parts.visitor import CARDS, Visitor

EXPIRING = "isla-farquharson"  # in 20 days: may renew
THIRD = "joao-ferreira"  # in 20 days, renewed twice by herself

# How many answers reach the service before the one that does not
FIRST_KEY, HALF, LAST_WORDS = 1, 2, 3


def open_renewal(visitor: Visitor, card: str = EXPIRING) -> None:
    """Sign in, put renewing off, and come back to it from the card's services."""
    visitor.be_signed_in(card)
    visitor.open_card_services()
    visitor.page.get_by_role("link", name="Renew certificates").click()


def press_renew(
    visitor: Visitor, passcode: str | None = None, button: str = "Renew certificates"
) -> None:
    visitor.type_passcode(passcode or CARDS[EXPIRING].passcode)
    visitor.page.get_by_role("button", name=button, exact=True).click()


def renewed(visitor: Visitor) -> None:
    expect(visitor.page.get_by_role("heading", name="Certificates renewed")).to_be_visible()


def renew(visitor: Visitor) -> None:
    open_renewal(visitor)
    press_renew(visitor)
    renewed(visitor)


def lose_answer(visitor: Visitor, arrive: int) -> None:
    """Renew; after some answers the next one is lost on its way to the service."""
    open_renewal(visitor)
    is_lost = lose_one(visitor.page, before=arrive)
    with visitor.page.expect_event("requestfailed", is_lost):
        press_renew(visitor)
    address = visitor.page.url
    visitor.page.goto("about:blank")  # nobody waits until the page has tried again and again
    visitor.page.goto(address)


def given_up(visitor: Visitor) -> None:
    """The page has brought the answer again and again, for some seconds."""
    words = visitor.page.get_by_text("The service did not answer")
    expect(words).to_be_visible()


def put_back(visitor: Visitor) -> None:
    """Take the card out, which signs out, put it back, and come to the sign-in page."""
    visitor.service.desk.remove()
    expect(visitor.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    visitor.show_card(EXPIRING)
