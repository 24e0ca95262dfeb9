"""Changing a passcode, unlocking a card, and replacing a PUK: what is tried, and what it costs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.parts import work
from tests.parts.bridge import Page, RunningBridge, TicketOffice, sealed
from tests.parts.issued import PASSCODE, IssuedCard
from tests.parts.statements import claims_of

Message = dict[str, Any]
NEW = "Green7?z"
PENDING = "90817263"
WRONG = "55555555"


@pytest.fixture
def seal(page: Page) -> Callable[[bytes | list[str]], str]:
    """Seals a value for the page's connection."""
    return lambda value: sealed(page.claims["ek"], value)


def works(issued: IssuedCard, passcode: str) -> bool:
    return issued.state.passcode.value == passcode.encode().ljust(8, b"\xff")


def has_puk(issued: IssuedCard, puk: str) -> bool:
    return issued.state.puk.value == puk.encode().ljust(8, b"\xff")


# Change


def change(page: Page, office: TicketOffice, card: Message, **typed: str) -> Message:
    items = [work.change_passcode(), work.sign(purpose="passcode-change")]
    return page.step(office, card, items, **typed)


def test_a_passcode_is_changed_and_the_card_signs_with_the_new_one(page, office, card, issued):
    answer = change(page, office, card, passcode=PASSCODE, new_passcode=NEW)
    assert claims_of(answer["ok"]["results"][1]["statement"], issued.public_keys["9a"])
    assert works(issued, NEW)


def test_a_wrong_current_passcode_changes_nothing(page, office, card, issued):
    answer = change(page, office, card, passcode="Wrong1!", new_passcode=NEW)
    assert answer["error"] == {"code": "wrong-passcode", "left": 2}
    assert works(issued, PASSCODE)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("abc", "too-short"),
        ("Green7?zz", "too-long"),
        ("7777", "all-the-same"),
        ("3456", "run"),
        ("5678905", "your-number"),
        (PASSCODE, "not-new"),
    ],
)
def test_a_new_passcode_against_the_rule_never_reaches_the_card(
    page, office, card, issued, new, why
):
    answer = change(
        page, office, card, passcode="Wrong1!" if new != PASSCODE else new, new_passcode=new
    )
    assert answer["error"] == {"code": "passcode-refused", "rule": why}
    assert "receipt" not in answer
    assert issued.state.passcode.left == 3


def test_a_new_passcode_against_the_cards_own_rule_is_refused_by_it(
    bridge, page, office, make_card
):
    issued = make_card("digits", behaviour="digits-63c0", passcode="849205")
    bridge.insert("digits")
    card = page.read_card()
    answer = change(page, office, card, passcode="849205", new_passcode=NEW)
    assert answer["error"]["code"] == "passcode-refused"
    assert answer["error"]["rule"] == "card"
    assert works(issued, "849205")


@pytest.mark.parametrize("typed", [{"passcode": PASSCODE}, {"new_passcode": NEW}, {}])
def test_a_change_needs_both_passcodes(page, office, card, typed):
    assert change(page, office, card, **typed)["error"] == {"code": "passcode-needed"}


def test_a_held_passcode_is_the_new_one_after_a_change(page, office, card):
    page.step(
        office,
        card,
        [work.change_passcode()],
        passcode=PASSCODE,
        new_passcode=NEW,
        hold="passcode",
    )
    assert "ok" in page.step(office, card, [work.sign()], continues=True)


def test_a_rule_that_cannot_be_read_makes_the_ticket_invalid(page, office, card, issued):
    items = [{"command": "change-passcode", "rule": {"min_length": 0}}]
    answer = page.step(office, card, items, passcode=PASSCODE, new_passcode=NEW)
    assert answer["error"] == {"code": "ticket-invalid"}
    assert works(issued, PASSCODE)


# Unlock


def locked(bridge: RunningBridge, page: Page) -> Message:
    assert bridge.server.around.virtual_readers is not None
    bridge.server.around.virtual_readers.lock("one")
    return page.read_card()


def unlock(
    page: Page, office: TicketOffice, card: Message, seal: Callable[..., str], *puks: str
) -> Message:
    items = [
        work.unlock(seal(list(puks)), seal(PENDING.encode())),
        work.sign(purpose="unlock"),
    ]
    return page.step(office, card, items, new_passcode=NEW)


def test_a_locked_card_is_unlocked_with_a_new_puk_and_a_new_passcode(
    bridge, page, office, card, issued, seal
):
    answer = unlock(page, office, locked(bridge, page), seal, issued.puk)
    assert answer["ok"]["results"][0] == {"used": 0}
    assert claims_of(answer["ok"]["results"][1]["statement"], issued.public_keys["9a"])
    assert works(issued, NEW)
    assert has_puk(issued, PENDING)
    assert issued.state.passcode.left == 3


def test_the_second_candidate_is_tried_when_the_first_is_wrong(
    bridge, page, office, card, issued, seal
):
    answer = unlock(page, office, locked(bridge, page), seal, PENDING, issued.puk)
    assert answer["ok"]["results"][0] == {"used": 1}
    assert issued.state.puk.left == 3  # the right one gave the try back


def test_wrong_candidates_cost_a_try_each_and_are_named(bridge, page, office, card, issued, seal):
    answer = unlock(page, office, locked(bridge, page), seal, WRONG, PENDING)
    assert answer["error"] == {"code": "puk-refused", "left": 1, "refused": [0, 1]}
    assert "receipt" in answer


def test_the_last_try_is_not_spent_while_two_candidates_are_in_doubt(
    bridge, page, office, card, issued, seal
):
    unlock(page, office, locked(bridge, page), seal, WRONG, "66666666")
    answer = unlock(page, office, card, seal, PENDING, issued.puk)
    assert answer["error"] == {"code": "puk-refused", "left": 1, "refused": []}
    assert issued.state.puk.left == 1


def test_the_last_try_may_be_spent_on_the_only_candidate(bridge, page, office, card, issued, seal):
    unlock(page, office, locked(bridge, page), seal, WRONG, "66666666")
    answer = unlock(page, office, card, seal, issued.puk)
    assert "ok" in answer
    assert works(issued, NEW)


def test_a_blocked_puk_is_refused_with_nothing_left(bridge, page, office, card, issued, seal):
    unlock(page, office, locked(bridge, page), seal, WRONG, "66666666")
    unlock(page, office, card, seal, "77777777")
    answer = unlock(page, office, card, seal, issued.puk)
    assert answer["error"] == {"code": "puk-refused", "left": 0, "refused": []}


def test_a_new_passcode_against_the_rule_spends_no_puk(bridge, page, office, card, issued, seal):
    items = [work.unlock(seal([WRONG]), seal(PENDING.encode()))]
    answer = page.step(office, locked(bridge, page), items, new_passcode="1234")
    assert answer["error"] == {"code": "passcode-refused", "rule": "run"}
    assert issued.state.puk.left == 3


def test_what_was_sealed_for_another_connection_cannot_be_opened(
    bridge, page, office, card, issued
):
    with bridge.page() as other:
        theirs = sealed(other.claims["ek"], [issued.puk])
    items = [work.unlock(theirs, theirs)]
    answer = page.step(office, card, items, new_passcode=NEW)
    assert answer["error"] == {"code": "ticket-invalid"}
    assert issued.state.puk.left == 3


@pytest.mark.parametrize("puks", [[], ["1", "2", "3"], "12345678", [12345678]])
def test_a_list_of_puks_has_one_or_two_texts(page, office, card, issued, seal, puks):
    items = [work.unlock(seal(puks), seal(PENDING.encode()))]
    answer = page.step(office, card, items, new_passcode=NEW)
    assert answer["error"] == {"code": "ticket-invalid"}
    assert issued.state.puk.left == 3


@pytest.mark.parametrize("value", ["", "junk", "a.b.c.d.e", None, 7])
def test_junk_is_nothing_sealed(page, office, card, value):
    items = [{"command": "change-puk", "candidates": value, "new_puk": value}]
    assert page.step(office, card, items)["error"] == {"code": "ticket-invalid"}


def test_a_puk_is_replaced_without_a_passcode(page, office, card, issued, seal):
    items = [
        {
            "command": "change-puk",
            "candidates": seal([issued.puk]),
            "new_puk": seal(PENDING.encode()),
        }
    ]
    assert page.step(office, card, items)["ok"]["results"] == [{"used": 0}]
    assert has_puk(issued, PENDING)


def test_a_passcode_is_set_with_the_puk(page, office, card, issued, seal):
    items = [
        {"command": "set-passcode", "rule": work.RULE, "puk": seal(issued.puk.encode())},
        work.sign("9c", "issue"),
    ]
    answer = page.step(office, card, items, new_passcode=NEW)
    assert "ok" in answer
    assert works(issued, NEW)


def test_a_passcode_is_not_set_with_a_wrong_puk(page, office, card, issued, seal):
    items = [{"command": "set-passcode", "rule": work.RULE, "puk": seal(WRONG.encode())}]
    answer = page.step(office, card, items, new_passcode=NEW)
    assert answer["error"] == {"code": "puk-refused", "left": 2, "refused": [0]}
    assert works(issued, PASSCODE)
