"""The table of states: every page, as every kind of person sees it.

Each row is shown by Chromium, wide and narrow, and looked over. A page without a row fails a test.
"""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.parts.desk import READER_2
from tests.parts.state import State, at, signed_in, with_card
from tests.parts.states_of_lost_cards import LOST_CARD_STATES
from tests.parts.states_of_manage import MANAGE_STATES
from tests.parts.states_of_passcodes import PASSCODE_STATES
from tests.parts.states_of_people import PEOPLE_STATES, agent
from tests.parts.states_of_readers import READER_STATES
from tests.parts.states_of_renewal import RENEWAL_STATES
from tests.parts.states_of_self_service import SELF_SERVICE_STATES
from tests.parts.states_of_self_service_of_agents import SELF_SERVICE_STATES_OF_AGENTS
from tests.parts.states_of_service_centre import SERVICE_CENTRE_STATES
from tests.parts.states_of_unfinished import UNFINISHED_STATES, with_rows
from tests.parts.visitor import CARDS, HOLDER, MANAGER, NEW, WRONG, Visitor

WARD = "w" * 43
A_PC = """
INSERT INTO workstation
    (thumbprint, jwk, name, name_folded, version, status, first_seen_at, last_seen_at)
VALUES (:thumbprint, '{}', 'Ward 4', 'ward 4', '1', :status, datetime('now'), datetime('now'))
"""

# Addresses that show nothing to a person.
WITHOUT_A_PAGE = {
    "static": "files",
    "health.healthz": "for the machine that watches over the service",
    "bridge.configuration": "for the bridge's first run",
    "bridge.challenge": "for a bridge that brings an install code",
    "card_operations.stands": "leads to the page of the operation's kind",
    "profile.photo": "a picture, part of the profile",
    "service_centre.old_address": "leads to the page that unlocks a card",
    "manage_smartcard.print_card": "a PDF to be printed on a card",
    "people.photo": "a picture, part of a person's page",
    "demo.message_as_html": "a message in a sandbox, as a mail program shows it",
}


def wrong_passcode(visitor: Visitor) -> None:
    visitor.show_card()
    visitor.enter(WRONG)


def two_cards(visitor: Visitor) -> None:
    visitor.insert(HOLDER)
    visitor.insert(MANAGER, READER_2)
    visitor.page.goto("/sign-in")


def choosing_a_role(visitor: Visitor) -> None:
    visitor.enter(visitor.show_card(MANAGER).passcode)


def role_after_reload(visitor: Visitor) -> None:
    choosing_a_role(visitor)
    form = visitor.page.locator("form[action$='/role']")
    address = form.get_attribute("action") or ""
    visitor.page.goto(address.removesuffix("/role"))


def no_role_chosen(visitor: Visitor) -> None:
    choosing_a_role(visitor)
    visitor.page.get_by_role("button", name="Continue").click()


def terms_due(visitor: Visitor) -> None:
    visitor.enter(visitor.show_card().passcode)
    expect(visitor.page.get_by_role("button", name="Accept and sign")).to_be_visible()


def terms_declined(visitor: Visitor) -> None:
    terms_due(visitor)
    visitor.page.get_by_role("button", name="Decline").click()


def expires_soon(visitor: Visitor) -> None:
    visitor.enter(visitor.show_card("isla-farquharson").passcode)
    visitor.page.get_by_role("button", name="Accept and sign").click()
    expect(visitor.page.get_by_role("button", name="Later")).to_be_visible()


def signed_out(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.sign_out()


def card_taken_out(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.service.desk.remove()


def wrong_email(visitor: Visitor) -> None:
    visitor.be_signed_in()
    visitor.page.goto("/profile/contact/change")
    visitor.page.get_by_label("Email").fill("nobody")
    visitor.page.get_by_role("button", name="Update contact").click()


def card_services(visitor: Visitor) -> None:
    visitor.be_signed_in()
    visitor.open_card_services()


def change_passcode(visitor: Visitor) -> None:
    visitor.be_signed_in()
    visitor.open_change_passcode()


def passcode_changed(visitor: Visitor) -> None:
    visitor.be_signed_in()
    visitor.change_passcode(CARDS[HOLDER].passcode, NEW)


def new_passcode_too_easy(visitor: Visitor) -> None:
    change_passcode(visitor)
    visitor.type_new_passcode(CARDS[HOLDER].passcode, "12345678")


def new_passcodes_differ(visitor: Visitor) -> None:
    change_passcode(visitor)
    visitor.type_new_passcode(CARDS[HOLDER].passcode, NEW, again=WRONG)


def current_passcode_wrong(visitor: Visitor) -> None:
    change_passcode(visitor)
    visitor.type_new_passcode(WRONG, NEW)


def workstations(address: str = "/workstations") -> Callable[[Visitor], None]:
    return agent(address)


def workstation(visitor: Visitor, decision: str | None = None) -> None:
    """Show the PC of this installation's own bridge, or what can be decided about it."""
    workstations()(visitor)
    visitor.page.get_by_role("table").get_by_role("link").first.click()
    if decision is not None:
        visitor.page.get_by_role("button", name=decision).click()


def block_question(visitor: Visitor) -> None:
    workstation(visitor, "Block this PC")


def decided_about_a_ward(decision: str, status: str) -> Callable[[Visitor], None]:
    """Ask what can be decided about a PC that has only been seen, or was blocked."""
    pc = f"/workstations/{WARD}/{decision}"
    return with_rows(workstations(pc), (A_PC, {"thumbprint": WARD, "status": status}))


def block_without_reason(visitor: Visitor) -> None:
    block_question(visitor)
    visitor.page.get_by_role("button", name="Block this PC").click()


def blocked_here(visitor: Visitor) -> None:
    block_question(visitor)
    visitor.page.get_by_label("Why are you blocking").fill("Stolen from the ward")
    visitor.page.get_by_role("button", name="Block this PC").click()


def install_code(visitor: Visitor) -> None:
    workstations("/workstations/install-codes")(visitor)
    visitor.page.get_by_label("What is it for?").fill("Ward 4")
    visitor.page.get_by_role("button", name="Make an install code").click()


def install_code_for_nobody(visitor: Visitor) -> None:
    workstations("/workstations/install-codes")(visitor)
    visitor.page.get_by_label("How many PCs").fill("0")
    visitor.page.get_by_role("button", name="Make an install code").click()


SIGN_IN = "auth.sign_in"
PASSCODE = "smartcards.passcode"

STATES: tuple[State, ...] = (
    # Signing in
    State("no card", SIGN_IN, at("/sign-in"), "Insert your Smartcard"),
    State("card read", SIGN_IN, with_card(HOLDER), "Enter your passcode"),
    State("two cards", SIGN_IN, two_cards, "Which card is yours"),
    State("wrong passcode", SIGN_IN, wrong_passcode, "2 tries are left"),
    State("one try left", SIGN_IN, with_card("owen-pritchard"), "1 try is left"),
    State("locked card", SIGN_IN, with_card("nadia-rahman"), "locked"),
    State("expired card", SIGN_IN, with_card("keira-osullivan"), "expired"),
    State("suspended card", SIGN_IN, with_card("lachlan-mackenzie"), "suspended"),
    State("cancelled card", SIGN_IN, with_card("mei-lin-zhao"), "cancelled"),
    State("closed account", SIGN_IN, with_card("rosalind-thackeray"), "closed"),
    State("blank card", SIGN_IN, with_card("blank-1"), "has not been issued"),
    State("choose your role", SIGN_IN, choosing_a_role, "Choose your role"),
    State("role after a reload", "auth.carry_on", role_after_reload, "Choose your role"),
    State("no role chosen", SIGN_IN, no_role_chosen, "Choose the role that", status=422),
    State("terms due", SIGN_IN, terms_due, "Accept and sign"),
    State("terms declined", SIGN_IN, terms_declined, "did not accept the terms"),
    State("certificates expire soon", "auth.expiry", expires_soon, "expire in (20|19) days"),
    # After it
    State("signed out", "auth.signed_out", signed_out, "You are signed out"),
    State("card taken out", "auth.signed_out", card_taken_out, "taken out of the reader"),
    State("dashboard of a holder", "dashboard.show", signed_in(), "Dashboard"),
    State("dashboard of an RA Manager", "dashboard.show", signed_in(MANAGER, "RA Manager"), "RA"),
    State("dashboard, expiring", "dashboard.show", signed_in("isla-farquharson"), "expire"),
    State("change role", "role.choose", signed_in(MANAGER, "RA Manager", address="/role"), "role"),
    State("change role, only one", "role.choose", signed_in(address="/role"), "role"),
    # Profile
    State("profile", "profile.show", signed_in(address="/profile"), "Grace"),
    State(
        "profile of somebody without a position",
        "profile.show",
        signed_in("henrik-soerensen", address="/profile"),
        "Henrik",
    ),
    State("contact details", "profile.contact", signed_in(address="/profile/contact"), "Email"),
    State(
        "modify contact details",
        "profile.modify_contact",
        signed_in(address="/profile/contact/change"),
        "Update contact",
    ),
    State("wrong email", "profile.modify_contact", wrong_email, "There is a problem", status=422),
    State("activity", "profile.activity", signed_in(address="/profile/activity"), "activity"),
    # The holder's own card
    State("card services", "smartcards.service", card_services, "Change passcode"),
    State("change passcode", PASSCODE, change_passcode, "Current passcode"),
    State("passcode changed", PASSCODE, passcode_changed, "Passcode changed"),
    State("too easy", PASSCODE, new_passcode_too_easy, "1234"),
    State("not the same", PASSCODE, new_passcodes_differ, "not the same"),
    State("current one wrong", PASSCODE, current_passcode_wrong, "2 tries are left"),
    # Workstations
    State("workstations", "workstations.listing", workstations(), "Enrolled"),
    State(
        "workstations, none found",
        "workstations.listing",
        workstations("/workstations?search=nowhere"),
        "No workstation matches",
    ),
    State("workstation", "workstations.show", workstation, "Signed in there now"),
    State("block this PC", "workstations.ask", block_question, "You are using this PC"),
    State(
        "block without a reason",
        "workstations.ask",
        block_without_reason,
        "There is a problem",
        status=422,
    ),
    State(
        "enrol a PC",
        "workstations.ask",
        decided_about_a_ward("enrol", "seen"),
        "Ward 4",
    ),
    State(
        "unblock a PC",
        "workstations.ask",
        decided_about_a_ward("unblock", "blocked"),
        "Ward 4",
    ),
    State("blocked here", "auth.signed_out", blocked_here, "This PC has been blocked"),
    State(
        "install codes",
        "workstations.codes",
        workstations("/workstations/install-codes"),
        "No code has been made yet",
    ),
    State("install code", "workstations.codes", install_code, "It is shown only now"),
    State(
        "install code for nobody",
        "workstations.codes",
        install_code_for_nobody,
        "There is a problem",
        status=422,
    ),
    *UNFINISHED_STATES,
    # Reports
    State(
        "what expires soon",
        "reports.expiring",
        signed_in(MANAGER, "RA Manager", address="/reports/expiring?within=90"),
        "Expire within 90 days",
    ),
    State(
        "nothing expires soon",
        "reports.expiring",
        signed_in(MANAGER, "RA Manager", address="/reports/expiring?within=7"),
        "within 7 days",
    ),
    # Open to all
    State("terms", "terms.show", at("/terms"), "Terms"),
    State("terms, signed in", "terms.show", signed_in(address="/terms"), "Terms"),
    *PASSCODE_STATES,
    *PEOPLE_STATES,
    *READER_STATES,
    *RENEWAL_STATES,
    *MANAGE_STATES,
    *LOST_CARD_STATES,
    State("certificate authority", "pki.show", at("/pki/"), "What to trust"),
    State("help", "help.contacts", at("/help"), "Northmere RA Team"),
    State("card desk", "demo.card_desk", at("/demo/card-desk"), "Virtual reader 1"),
    *SELF_SERVICE_STATES,
    *SELF_SERVICE_STATES_OF_AGENTS,
    *SERVICE_CENTRE_STATES,
    State("no such page", "static", at("/nowhere"), "not found", status=404),
)
