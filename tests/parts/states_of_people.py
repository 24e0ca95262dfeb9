"""The states of pages about people: searching, one person, and reporting one's own card."""

from collections.abc import Callable

from tests.parts.state import State
from tests.parts.visitor import MANAGER, Visitor


def agent(address: str) -> Callable[[Visitor], None]:
    """Show what an RA manager sees at ``address``."""

    def show(visitor: Visitor) -> None:
        visitor.be_signed_in(MANAGER, "RA Manager")
        visitor.page.goto(address)

    return show


def report(visitor: Visitor) -> None:
    visitor.be_signed_in()
    visitor.open_card_services()
    visitor.page.get_by_role("link", name="Report lost").click()


def report_nothing(visitor: Visitor) -> None:
    report(visitor)
    visitor.page.get_by_role("button", name="Continue").click()


def report_that(choice: str) -> Callable[[Visitor], None]:
    def show(visitor: Visitor) -> None:
        report(visitor)
        visitor.page.get_by_label(choice).check()
        visitor.page.get_by_role("button", name="Continue").click()

    return show


def misuse_told(visitor: Visitor) -> None:
    report_that("Somebody else has used it")(visitor)
    visitor.page.get_by_role("button", name="Report it").click()


def card_cancelled(visitor: Visitor) -> None:
    report_that("It is damaged")(visitor)
    visitor.page.get_by_role("button", name="Report it, and cancel").click()


def a_request_waits(visitor: Visitor) -> None:
    """A holder's damaged card has been cancelled, and the RA manager looks at what waits."""
    card_cancelled(visitor)
    visitor.service.desk.remove()
    agent("/requests")(visitor)


PEOPLE_STATES = (
    State("search for people", "people.search", agent("/people"), "Every search is recorded"),
    State("people found", "people.search", agent("/people?search=a"), "found"),
    State("nobody found", "people.search", agent("/people?search=zzz"), "Nobody was found"),
    State(
        "search for half a UUID",
        "people.search",
        agent("/people?search=5002"),
        "A UUID has 12 digits",
        status=422,
    ),
    State("person", "people.show", agent("/people/500200300107"), "Smartcards"),
    State("oneself", "people.show", agent("/people/500200300101"), "This is your own record"),
    State("person unknown", "people.show", agent("/people/500200300999"), "not found", status=404),
    State("requests, none", "requests.awaiting", agent("/requests"), "No request is waiting"),
    State("requests", "requests.awaiting", a_request_waits, "the old one is damaged"),
    State("report a card", "reporting.ask", report, "because it is in the reader"),
    State("report nothing", "reporting.ask", report_nothing, "There is a problem", status=422),
    State(
        "report a damaged card",
        "reporting.confirm",
        report_that("It is damaged"),
        "cannot be undone",
    ),
    State(
        "report misuse", "reporting.confirm", report_that("Somebody else has"), "your line manager"
    ),
    State("misuse reported", "reporting.misuse_told", misuse_told, "Change your passcode now"),
    State("damaged card cancelled", "reporting.confirm", card_cancelled, "you are signed out"),
)
