"""The table of states: every page, as every kind of person sees it.

Each row is shown by Chromium, wide and narrow, and looked over. A page without a row fails a test.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """A page in a state: where it is, and what has to be done to see it so."""

    name: str
    endpoint: str
    path: str
    status: int = 200


# Addresses that show nothing to a person.
WITHOUT_A_PAGE = {
    "static": "files",
    "health.healthz": "for the machine that watches over it",
    "bridge.configuration": "for a reader bridge",
    "profile.photo": "a picture, part of the profile",
    "card_operations.stands": "leads to the page of the operation's kind",
    "auth.carry_on": "a reload in the middle of a sign-in",
}

STATES: tuple[State, ...] = (
    State("sign in", "auth.sign_in", "/sign-in"),
    State("signed out", "auth.signed_out", "/signed-out"),
    State("signed out, card pulled", "auth.signed_out", "/signed-out?reason=card-removed"),
    State("card desk", "demo.card_desk", "/demo/card-desk"),
    State("services of a card", "smartcards.service", "/profile/cards/1/service"),
    State("change passcode", "smartcards.passcode", "/profile/cards/1/passcode"),
    State("dashboard", "dashboard.show", "/"),
    State("profile", "profile.show", "/profile"),
    State("contact details", "profile.contact", "/profile/contact"),
    State("modify contact details", "profile.modify_contact", "/profile/contact/change"),
    State("activity", "profile.activity", "/profile/activity"),
    State("change role", "role.choose", "/role"),
    State("terms", "terms.show", "/terms"),
    State("help", "help.contacts", "/help"),
)
