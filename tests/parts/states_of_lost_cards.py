"""The table of states: a card that was begun for somebody is lost or broken."""

from collections.abc import Callable

from tests.parts.second_reader import AGENT, CANCELLED, Counter
from tests.parts.state import State, signed_in
from tests.parts.states_of_unfinished import STEP, STOPPED, with_rows
from tests.parts.visitor import CARDS, HOLDER, Visitor

LOST = "manage_smartcard.lost"
A_BLANK_CARD = """
INSERT INTO card
    (guid, number, type, manufacturer, profile, virtual, status, modified_at, self_renewals_in_row,
     passcode_min_length, passcode_max_length, passcode_alphabet, new_passcode_refused)
VALUES ('00000000000040008000000000000107', '400500600107', 'Smartcard', 'Virtual', 'virtual', 1,
    'blank', datetime('now'), 0, 4, 8, 'ascii', 0)
"""
FOR_THE_HOLDER = """
INSERT INTO card_operation
    (public_id, kind, state, step, card_id, person_id, browser, facts, started_at, updated_at)
SELECT 'stopped-issue', 'issue', 'waiting', 'prepare', card.id, person.id, 'elsewhere',
    '{"shown_guid": null}', datetime('now', '-1 hour'), datetime('now', '-1 hour')
FROM card, person WHERE card.number = '400500600107' AND person.uuid = :uuid
"""
UUID = str(CARDS[HOLDER].uuid)
ISSUE: tuple[tuple[str, dict[str, str]], ...] = (
    (A_BLANK_CARD, {}),
    (FOR_THE_HOLDER, {"uuid": UUID}),
    (STEP, {"kind": "issue"}),
)
ERASE: tuple[tuple[str, dict[str, str]], ...] = (
    (STOPPED, {"kind": "erase", "step": "erase", "uuid": str(CARDS[CANCELLED].uuid)}),
    (STEP, {"kind": "erase"}),
)


def on_the_page_of(holder: str) -> Callable[[Visitor], None]:
    return signed_in(AGENT, address=f"/people/{CARDS[holder].uuid}")


def asked(holder: str) -> Callable[[Visitor], None]:
    """Say on the person's page that the card is lost or broken."""

    def show(visitor: Visitor) -> None:
        on_the_page_of(holder)(visitor)
        visitor.page.get_by_role("link", name="The card is lost or broken").click()

    return show


def nothing_chosen(visitor: Visitor) -> None:
    asked(HOLDER)(visitor)
    Counter(visitor).press("Give up this card")


def given_up(visitor: Visitor) -> None:
    asked(HOLDER)(visitor)
    visitor.page.get_by_label("It is lost").check()
    Counter(visitor).press("Give up this card")


def erasing(visitor: Visitor) -> None:
    on_the_page_of(CANCELLED)(visitor)
    visitor.page.get_by_role("link", name="Continue").click()
    visitor.page.get_by_role("link", name="Erase", exact=True).click()


def being_issued(visitor: Visitor) -> None:
    on_the_page_of(HOLDER)(visitor)
    visitor.page.get_by_role("link", name="Continue").click()


LOST_CARD_STATES: tuple[State, ...] = (
    State(
        "a person, an issue stopped",
        "people.show",
        with_rows(on_the_page_of(HOLDER), *ISSUE),
        "The card is lost or broken",
    ),
    State(
        "issue, a card was begun",
        "manage_smartcard.issue",
        with_rows(being_issued, *ISSUE),
        "was begun and not finished",
    ),
    State(
        "erase, begun",
        "manage_smartcard.service",
        with_rows(erasing, *ERASE),
        "The card is lost or broken",
    ),
    State("lost while issued", LOST, with_rows(asked(HOLDER), *ISSUE), "is cancelled, and its"),
    State("lost while erased", LOST, with_rows(asked(CANCELLED), *ERASE), "stays cancelled"),
    State(
        "lost, nothing chosen",
        LOST,
        with_rows(nothing_chosen, *ISSUE),
        "Choose what has happened",
        status=422,
    ),
    State(
        "lost, given up",
        "manage_smartcard.card_services",
        with_rows(given_up, *ISSUE),
        "The card is given up",
    ),
)
