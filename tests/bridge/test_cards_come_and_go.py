"""Insertion, removal and swapping: what pages hear, and what becomes of work that is going on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reader_bridge import encoding
from reader_bridge.virtual.behaviour import Behaviour, Tear
from tests.parts import work
from tests.parts.bridge import READER_1, READER_2, Page, RunningBridge
from tests.parts.issued import PASSCODE, IssuedCard
from tests.parts.statements import receipt_claims

Message = dict[str, Any]


def test_a_page_that_connects_hears_what_is_there_then_ready(bridge, issued):
    bridge.insert("one", READER_2)
    with bridge.page() as page:
        added = [event for event in page.events if event["event"] == "reader-added"]
        assert [(event["reader"], event["virtual"]) for event in added] == [
            (READER_1, True),
            (READER_2, True),
        ]
        [inserted] = [event for event in page.events if event["event"] == "card-inserted"]
        assert inserted["reader"] == READER_2
        assert len(inserted["seat"]) == 32


def test_a_removal_is_heard(bridge, page, card):
    bridge.remove()
    event = page.until_event("card-removed")
    assert (event["reader"], event["seat"]) == (READER_1, card["seat"])


def test_each_insertion_has_a_seat_of_its_own(bridge, page, card):
    bridge.remove()
    bridge.insert("one")
    again = page.read_card()
    assert again["guid"] == card["guid"]
    assert again["seat"] != card["seat"]


def test_a_ticket_for_a_card_that_has_left(bridge, page, office, card):
    bridge.remove()
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "card-removed", "outcome": "none"}


def test_a_ticket_for_a_card_that_was_put_in_again(bridge, page, office, card):
    bridge.insert("one")
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "card-changed"}


def test_a_ticket_for_a_card_that_was_swapped(bridge, page, office, card, make_card):
    other = make_card("other")
    bridge.insert("other")
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "card-changed"}
    assert other.state.passcode.left == 3


def test_a_ticket_for_a_seat_that_never_was(page, office, card):
    answer = page.step(office, {**card, "seat": "0" * 32}, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "ticket-other-card"}


def test_a_ticket_for_another_guid_than_the_one_that_was_read(page, office, card, issued):
    answer = page.step(office, {**card, "guid": "0" * 32}, [work.sign()], passcode="Wrong1!")
    assert answer["error"] == {"code": "ticket-other-card"}
    assert issued.state.passcode.left == 3


@pytest.mark.parametrize("guid", ["0" * 32, None])
def test_the_guid_is_looked_at_again_before_the_passcode_is_sent(
    bridge, page, office, issued, guid
):
    """Nothing of the card is remembered here: it is the look inside the transaction that tells."""
    bridge.insert("one")
    seat = page.until_event("card-inserted")["seat"]
    answer = page.step(office, {"seat": seat, "guid": guid}, [work.sign()], passcode="Wrong1!")
    assert answer["error"] == {"code": "card-changed"}
    assert receipt_claims(answer["receipt"], page.hello)["outcome"] == "card-changed"
    assert issued.state.passcode.left == 3


@pytest.mark.parametrize("reader", [READER_2, "No such reader", "", None])
def test_reading_where_there_is_no_card(page, reader):
    code = page.ask("read-card", reader=reader)["error"]["code"]
    expected = {READER_2: "no-card", None: "unsupported"}
    assert code == expected.get(reader, "no-reader")


# A card that leaves in the middle of a step. SELECT, GET DATA (CHUID), VERIFY, sign: APDUs 1 to 4.


def torn(
    make_card: Callable[..., IssuedCard],
    bridge: RunningBridge,
    page: Page,
    at: int,
    takes_effect: bool,
) -> tuple[IssuedCard, Message]:
    """A card in the reader, not read by anybody, that leaves it at its Nth APDU."""
    issued = make_card("torn")
    state = issued.state
    state.behaviour = replace(state.behaviour, tear=Tear(at, takes_effect))
    state.save()
    bridge.insert("torn")
    seat = page.until_event("card-inserted")["seat"]
    return issued, {"seat": seat, "guid": issued.guid}


@pytest.mark.parametrize("at", [1, 2])
def test_a_card_that_leaves_before_it_was_told_anything_has_done_nothing(
    make_card, bridge, page, office, at
):
    _, card = torn(make_card, bridge, page, at, takes_effect=False)
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "card-removed", "outcome": "none"}
    page.until_event("card-removed", seat=card["seat"])


@pytest.mark.parametrize("at", [3, 4])
@pytest.mark.parametrize("takes_effect", [True, False])
def test_a_card_that_leaves_with_a_command_may_have_done_it(
    make_card, bridge, page, office, at, takes_effect
):
    _, card = torn(make_card, bridge, page, at, takes_effect)
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "card-removed", "outcome": "unknown"}
    claims = receipt_claims(answer["receipt"], page.hello)
    assert claims["outcome"] == "card-removed"
    assert claims["facts"] == {"outcome": "unknown"}


def test_a_passcode_that_was_changed_stays_unknown_when_the_card_leaves_later(
    make_card, bridge, page, office
):
    """APDUs: SELECT, CHUID, VERIFY, CHANGE, and the VERIFY at which it leaves."""
    issued, card = torn(make_card, bridge, page, 5, takes_effect=False)
    answer = page.step(
        office, card, [work.change_passcode()], passcode=PASSCODE, new_passcode="Green7?z"
    )
    assert answer["error"] == {"code": "card-removed", "outcome": "unknown"}
    assert issued.state.passcode.value.startswith(b"Green7?z")


def test_a_card_pulled_by_hand_while_it_makes_a_key(bridge, page, office, make_card):
    issued = make_card("slow")
    state = issued.state
    state.behaviour = Behaviour(key_generation_seconds=2.0)
    state.save()
    bridge.insert("slow")
    card = page.read_card()
    first = page.step(office, card, [work.open_management()], hold="card")
    witness = first["ok"]["results"][0]
    decrypted = issued.management.decrypt(encoding.to_bytes(witness["witness"]))
    items = [
        work.answer_management(witness["algorithm"], decrypted, bytes(16)),
        work.generate_key("9c"),
    ]
    ticket = office.ticket(page.sid, card["seat"], card["guid"], items, continues=True, hold="card")
    number = page.begin("step", ticket=ticket)
    while "making-signature-key" not in page.progress:
        page.hear()
    bridge.remove()
    page.until_event("card-removed")
    assert number not in page.answers, "it is heard while the card's thread is still waiting"
    assert page.answer_to(number)["error"] == {"code": "card-removed", "outcome": "unknown"}


class BankReader:
    """A reader of another make, with a smartcard in it that knows nothing of PIV."""

    name = "Bank reader"
    virtual = False
    atr = b"\x3b\x00"

    def connect(self) -> "BankReader":
        return self

    def begin(self) -> None: ...

    def transmit(self, apdu: bytes) -> bytes:
        return b"\x6a\x82"

    def keep_alive(self) -> None: ...

    def end(self, *, reset: bool) -> None:
        assert not reset


def test_a_card_without_the_piv_application_is_named_so(bridge, page, office):
    board = bridge.server.around.board
    board.reader_added(BankReader())
    board.card_inserted(BankReader.name)
    answer = page.ask("read-card", reader=BankReader.name)
    assert answer["error"] == {"code": "not-a-piv-card"}
    card = {"seat": board.seat_of(BankReader.name), "guid": "0" * 32}
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "not-a-piv-card"}
