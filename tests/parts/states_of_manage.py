"""The table of states: Manage Smartcard, with an agent's card in one reader and a user's in the
other.
"""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.parts.desk import READER_2
from tests.parts.second_reader import AGENT, BLANK, EXPIRED, EXPIRING, LOCKED, Counter
from tests.parts.state import State
from tests.parts.visitor import CARDS, HOLDER, WRONG, Visitor

PAGE = "manage_smartcard.page"
SERVICE = "manage_smartcard.service"
GRACE = "/people/500200300107"


def shown(user: str | None = None, address: str = "/manage-smartcard") -> Callable[[Visitor], None]:
    """Show a page to an agent, with a user's card in the second reader."""

    def show(visitor: Visitor) -> None:
        visitor.be_signed_in(AGENT)
        if user is not None:
            visitor.insert(user, READER_2)
        visitor.page.goto(address)

    return show


def of_card(path: str, user: str | None = None, holder: str = HOLDER) -> Callable[[Visitor], None]:
    """Show a page about a person's card; ``path`` follows the card's own address."""

    def show(visitor: Visitor) -> None:
        visitor.be_signed_in(AGENT)
        if user is not None:
            visitor.insert(user, READER_2)
        visitor.page.goto(f"/people/{CARDS[holder].uuid}")
        link = visitor.page.get_by_role("table").get_by_role("link").first
        visitor.page.goto(f"{link.get_attribute('href')}{path}")

    return show


renewing = of_card("/renew", EXPIRING, EXPIRING)


def wrong_passcode(visitor: Visitor) -> None:
    renewing(visitor)
    counter = Counter(visitor)
    visitor.type_passcode(WRONG, "User’s passcode")
    counter.press("Continue")


def renewed(visitor: Visitor) -> None:
    renewing(visitor)
    counter = Counter(visitor)
    counter.type_passcode(EXPIRING)
    counter.press("Continue")
    counter.sees_done("Certificates renewed")


def other_card(visitor: Visitor) -> None:
    of_card("/renew", HOLDER, EXPIRING)(visitor)


def taken_out(visitor: Visitor) -> None:
    shown(HOLDER)(visitor)
    counter = Counter(visitor)
    expect(counter.main.get_by_role("heading", name="Service for card")).to_be_visible()
    counter.user_takes_out()


def own_passcode_wrong(visitor: Visitor) -> None:
    of_card("/cancel/confirm?reason=lost")(visitor)
    visitor.type_passcode(WRONG, "Your own passcode")
    Counter(visitor).press("Cancel this card")


def no_identity_check(visitor: Visitor) -> None:
    shown(None, f"{GRACE}/issue")(visitor)
    visitor.type_passcode(CARDS[AGENT].passcode, "Your own passcode")
    Counter(visitor).press("Approve the issue")


def ready_to_issue(visitor: Visitor) -> None:
    shown(BLANK, f"{GRACE}/issue")(visitor)
    Counter(visitor).check_identity("Approve the issue")


def ready_to_repair(visitor: Visitor) -> None:
    of_card("/repair", EXPIRED, EXPIRED)(visitor)
    Counter(visitor).check_identity("Approve the repair")


def suspended(visitor: Visitor) -> None:
    of_card("/suspend")(visitor)
    visitor.page.get_by_label("Why is the card suspended").fill("On leave")
    Counter(visitor).press("Suspend this card")


def resume(visitor: Visitor) -> None:
    suspended(visitor)
    visitor.page.get_by_role("link", name="Resume", exact=True).click()


def suspend_without_reason(visitor: Visitor) -> None:
    of_card("/suspend")(visitor)
    Counter(visitor).press("Suspend this card")


MANAGE_STATES: tuple[State, ...] = (
    State("help for agents", "help.contacts", shown(None, "/help"), "Leave your own Smartcard"),
    State("manage, no card", PAGE, shown(), "Place the user’s card in the second reader"),
    State("manage, a user's card", PAGE, shown(HOLDER), "Is this the person with you"),
    State("manage, an expired card", PAGE, shown(EXPIRED), "cannot be renewed any more"),
    State("manage, a locked card", PAGE, shown(LOCKED), "Unlock"),
    State("manage, a blank card", PAGE, shown(BLANK), "Issue it"),
    State("manage, card taken out", PAGE, taken_out, "The user’s card was taken out"),
    State(
        "services of a card",
        "manage_smartcard.card_services",
        of_card(""),
        "Needs no card",
    ),
    State("renew, no card", SERVICE, of_card("/renew", None, EXPIRING), "Place the card"),
    State("renew, another card", SERVICE, other_card, "This is another card"),
    State("renew", SERVICE, renewing, "User’s passcode"),
    State("renew, wrong passcode", SERVICE, wrong_passcode, "2 tries are left"),
    State("renewed", "manage_smartcard.done", renewed, "What happens next"),
    State("unlock", SERVICE, of_card("/unlock", LOCKED, LOCKED), "New passcode again"),
    State(
        "change passcode with help",
        SERVICE,
        of_card("/change-passcode", HOLDER),
        "User’s current passcode",
    ),
    State(
        "repair: identity check",
        "manage_smartcard.repair",
        of_card("/repair", None, EXPIRED),
        "Which documents have you seen",
    ),
    State("repair", "manage_smartcard.repair", ready_to_repair, "look away while they do"),
    State(
        "erase a card",
        SERVICE,
        of_card("/erase", "mei-lin-zhao", "mei-lin-zhao"),
        "cannot be undone",
    ),
    State("too early to renew", SERVICE, of_card("/renew"), "Opens on", status=409),
    State(
        "issue: identity check",
        "manage_smartcard.issue",
        shown(None, f"{GRACE}/issue"),
        "It is cancelled once the new one is proven",
    ),
    State(
        "issue: nothing ticked",
        "manage_smartcard.issue",
        no_identity_check,
        "Choose which documents",
        status=422,
    ),
    State("issue", "manage_smartcard.issue", ready_to_issue, "Then the card is prepared"),
    State("cancel", "manage_smartcard.cancel", of_card("/cancel"), "Why is the card"),
    State(
        "cancel without a reason",
        "manage_smartcard.confirm_cancel",
        of_card("/cancel/confirm"),
        "There is a problem",
        status=422,
    ),
    State(
        "cancel for good?",
        "manage_smartcard.confirm_cancel",
        of_card("/cancel/confirm?reason=lost"),
        "Cancelling cannot be undone",
    ),
    State(
        "cancel, own passcode wrong",
        "manage_smartcard.confirm_cancel",
        own_passcode_wrong,
        "2 tries are left",
    ),
    State("suspend", "manage_smartcard.suspend", of_card("/suspend"), "Why is the card"),
    State(
        "suspend without a reason",
        "manage_smartcard.suspend",
        suspend_without_reason,
        "There is a problem",
        status=422,
    ),
    State(
        "suspended, services", "manage_smartcard.card_services", suspended, "The card is suspended"
    ),
    State("resume", "manage_smartcard.resume", resume, "The card can be used again at once"),
)
