"""What is kept between the steps of an operation, for how long, and what may come between."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reader_bridge import encoding
from reader_bridge.contract import Hold
from reader_bridge.turns import MOVES, Asks, Move, Turn
from tests.parts import work
from tests.parts.bridge import (
    READER_1,
    Page,
    RunningBridge,
    TicketOffice,
    bridge_settings,
    running_bridge,
    sealed,
)
from tests.parts.issued import PASSCODE, IssuedCard, issued_card
from tests.parts.statements import claims_of, receipt_claims, thumbprint_of

Message = dict[str, Any]


def open_session(page: Page, office: TicketOffice, card: Message, **claims: Any) -> Message:
    """R1 of a renewal: consent, then a witness; the card session stays open."""
    items = [work.sign(purpose="renewal"), work.open_management()]
    answer = page.step(office, card, items, passcode=PASSCODE, hold=Hold.CARD, **claims)
    assert "ok" in answer, answer
    witness: Message = answer["ok"]["results"][-1]
    return witness


def answered(issued: IssuedCard, witness: Message, challenge: bytes = bytes(16)) -> Message:
    decrypted = issued.management.decrypt(encoding.to_bytes(witness["witness"]))
    return work.answer_management(witness["algorithm"], decrypted, challenge)


def goes_on(page: Page, office: TicketOffice, card: Message, items: list[Message], **claims: Any):
    return page.step(office, card, items, continues=True, **claims)


def test_the_table_answers_every_turn_and_question():
    """Whatever is not in the table is out of turn; this is the list of it."""
    missing = {(turn, asks) for turn in Turn for asks in Asks} - set(MOVES)
    assert missing == {
        *((Turn.WORKING, asks) for asks in Asks),
        (Turn.FREE, Asks.TO_CONTINUE),
        (Turn.FREE, Asks.AGAIN),
        (Turn.HOLDING_CARD, Asks.PRESENCE),
        (Turn.HOLDING_CARD, Asks.SOMETHING_ELSE),
        (Turn.STOPPED, Asks.TO_CONTINUE),
    }
    assert [pair for pair, move in MOVES.items() if move is Move.GO_ON] == [
        (Turn.HOLDING_CARD, Asks.TO_CONTINUE)
    ]


# The open card session


def test_the_next_step_goes_on_in_the_same_transaction(page, office, card, issued):
    challenge = secrets.token_bytes(16)
    witness = open_session(page, office, card)
    answer = goes_on(
        page,
        office,
        card,
        [
            answered(issued, witness, challenge),
            work.generate_key("9c"),
            work.sign("9c", "renewal"),
            work.sign("9a", "renewal", endorse="9c"),
        ],
        step=2,
        hold=Hold.CARD,
    )
    proof, made, own, endorsed = answer["ok"]["results"]
    assert encoding.to_bytes(proof["response"]) == issued.management.encrypt(challenge)
    public_key = encoding.to_bytes(made["public_key"])
    assert claims_of(own["statement"], public_key)["purpose"] == "renewal"
    endorsement = claims_of(endorsed["statement"], issued.public_keys["9a"])
    assert endorsement["cnf"] == {"jkt": thumbprint_of(public_key)}

    certificate = b"\x30\x82\x03\x80" + bytes(896)
    answer = goes_on(page, office, card, [work.write_certificate("9c", certificate)], step=3)
    assert len(answer["ok"]["results"][0]["sha256"]) == 64
    assert page.progress[-2:] == ["writing", "checking-written"]
    read = page.read_card()
    assert encoding.to_bytes(read["certificates"]["9c"]) == certificate


def test_the_passcode_typed_once_serves_the_operation(page, office, card):
    open_session(page, office, card)
    answer = goes_on(page, office, card, [work.sign("9c", "renewal"), work.sign()])
    assert "ok" in answer


def test_a_step_that_continues_nothing_is_out_of_turn(page, office, card, issued):
    answer = goes_on(page, office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "out-of-turn"}
    assert "receipt" not in answer


def test_a_step_may_not_continue_another_operation(page, office, card):
    open_session(page, office, card, op="renewal")
    answer = goes_on(page, office, card, [work.sign()], op="unlock")
    assert answer["error"] == {"code": "out-of-turn"}
    assert "ok" in goes_on(page, office, card, [work.sign()], op="renewal")


@pytest.mark.parametrize("items", [[work.prove_presence()], [work.sign()]])
def test_nothing_else_comes_into_an_open_card_session(page, office, card, issued, items):
    witness = open_session(page, office, card, op="renewal")
    answer = page.step(office, card, items, passcode=PASSCODE, op="else")
    assert answer["error"] == {"code": "out-of-turn"}
    answer = goes_on(page, office, card, [answered(issued, witness)], op="renewal")
    assert "ok" in answer  # the witness has not been disturbed


def test_another_page_finds_the_card_busy_while_a_session_is_open(short, page_of, office, card_of):
    with short.page() as other:
        card = card_of()
        open_session(page_of, office, card)
        answer = other.step(office, card, [work.prove_presence()], op="presence")
        assert answer["error"] == {"code": "card-busy"}
        assert receipt_claims(answer["receipt"], other.hello)["outcome"] == "card-busy"
        assert other.until_event("card-busy", seat=card["seat"])["reader"] == READER_1


def test_a_session_that_waits_too_long_is_closed_and_the_card_is_free(
    short, page_of, office, card_of
):
    card = card_of()
    open_session(page_of, office, card)
    time.sleep(0.8)  # hold_wait is 0.4 s here
    assert goes_on(page_of, office, card, [work.sign()])["error"]["code"] == "out-of-turn"
    with short.page() as other:
        assert "ok" in other.step(office, card, [work.prove_presence()])


def test_an_open_session_ends_after_its_total_time_however_busy(short, page_of, office, card_of):
    card = card_of()
    open_session(page_of, office, card)
    codes = []
    for _ in range(12):  # hold_total is 1.2 s here
        answer = goes_on(page_of, office, card, [work.sign()], hold=Hold.CARD)
        codes.append(answer.get("error", {}).get("code"))
        time.sleep(0.15)
    assert codes[0] is None
    assert codes[-1] == "out-of-turn"


def test_an_operation_begun_anew_drops_what_was_open(page, office, card, issued):
    open_session(page, office, card)
    witness = open_session(page, office, card)
    assert "ok" in goes_on(page, office, card, [answered(issued, witness)])


def test_cancel_closes_an_open_session(page, office, card):
    open_session(page, office, card)
    assert page.ask("cancel") == {"re": 3, "ok": {}}
    assert goes_on(page, office, card, [work.sign()])["error"] == {"code": "out-of-turn"}


def test_a_failure_closes_the_open_session(page, office, card, issued):
    witness = open_session(page, office, card)
    wrong = work.answer_management(witness["algorithm"], bytes(16), bytes(16))
    answer = goes_on(page, office, card, [wrong], hold=Hold.CARD)
    assert answer["error"]["code"] == "card-refused"
    assert answer["error"]["command"] == "answer-management"
    assert goes_on(page, office, card, [work.sign()])["error"] == {"code": "out-of-turn"}


def test_a_page_that_leaves_frees_the_card(bridge, office, card):
    with bridge.page() as first:
        open_session(first, office, card)
    with bridge.page() as second:
        assert "ok" in second.step(office, card, [work.prove_presence()])


def test_only_a_key_made_in_this_session_can_be_endorsed(page, office, card):
    answer = page.step(office, card, [work.sign(endorse="9c")], passcode=PASSCODE)
    assert answer["error"]["code"] == "unsupported"


def test_a_card_that_was_read_before_is_told_from_memory_in_an_open_session(page, office, card):
    open_session(page, office, card)
    answer = page.ask("read-card", reader=READER_1)
    # A passcode has been sent: the tries left can't be known without disturbing the session.
    assert answer["error"] == {"code": "out-of-turn"}


# Passcodes that are typed once, with the first step


def test_a_new_passcode_typed_with_the_first_step_serves_a_later_one(page, office, card, issued):
    opened = page.step(
        office, card, [work.open_management()], hold=Hold.CARD, new_passcode="Green7?z"
    )
    puk = sealed(page.claims["ek"], issued.puk.encode())
    items = [
        answered(issued, opened["ok"]["results"][0]),
        {"command": "set-passcode", "rule": work.RULE, "puk": puk},
        work.sign("9c", "issue"),
    ]
    assert "ok" in goes_on(page, office, card, items)
    assert issued.state.passcode.value == b"Green7?z"


def test_after_the_card_said_no_the_operation_is_begun_anew_with_what_was_typed(
    page, office, card, issued
):
    """So a service finds out which management key a card has, while the person types once."""
    witness = open_session(page, office, card)
    wrong = work.answer_management(witness["algorithm"], bytes(16), bytes(16))
    assert goes_on(page, office, card, [wrong], hold=Hold.CARD)["error"]["code"] == "card-refused"
    assert goes_on(page, office, card, [work.sign()])["error"] == {"code": "out-of-turn"}
    items = [work.sign(purpose="renewal"), work.open_management()]
    again = page.step(office, card, items, hold=Hold.CARD)
    assert "ok" in goes_on(page, office, card, [answered(issued, again["ok"]["results"][-1])])


def test_a_wrong_passcode_is_never_sent_again_by_itself(page, office, card, issued):
    answer = page.step(office, card, [work.sign()], passcode="Wrong1!", hold=Hold.CARD)
    assert answer["error"] == {"code": "wrong-passcode", "left": 2}
    answer = page.step(office, card, [work.sign()], hold=Hold.CARD)
    assert answer["error"] == {"code": "passcode-needed"}
    assert issued.state.passcode.left == 2


def test_what_was_typed_is_not_kept_where_the_ticket_does_not_say_so(page, office, card):
    answer = page.step(office, card, [work.sign(algorithm="RS256")], passcode=PASSCODE)
    assert answer["error"]["code"] == "card-refused"
    assert page.step(office, card, [work.sign()])["error"] == {"code": "passcode-needed"}


# A held passcode


def sign_in(page: Page, office: TicketOffice, card: Message) -> None:
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE, hold=Hold.PASSCODE)
    assert "ok" in answer, answer


def test_a_held_passcode_serves_the_next_step_and_the_card_is_free(bridge, page, office, card):
    sign_in(page, office, card)
    with bridge.page() as other:
        assert "ok" in other.step(office, card, [work.prove_presence()], op="presence")
    answer = goes_on(page, office, card, [work.sign("9c", "terms")])
    assert "ok" in answer


def test_a_held_passcode_is_for_one_operation_only(page, office, card):
    sign_in(page, office, card)
    answer = page.step(office, card, [work.sign()], op="another")
    assert answer["error"] == {"code": "passcode-needed"}


def test_presence_may_be_proven_beside_a_held_passcode(page, office, card):
    sign_in(page, office, card)
    assert "ok" in page.step(office, card, [work.prove_presence()], op="presence")
    assert "ok" in goes_on(page, office, card, [work.sign("9c", "terms")])


def test_a_passcode_is_not_held_unless_the_ticket_says_so(page, office, card):
    page.step(office, card, [work.sign()], passcode=PASSCODE)
    answer = page.step(office, card, [work.sign("9c", "terms")])
    assert answer["error"] == {"code": "passcode-needed"}


def test_a_held_passcode_is_given_up_in_time(short, page_of, office, card_of):
    card = card_of()
    sign_in(page_of, office, card)
    time.sleep(1.4)  # hold_total is 1.2 s here
    assert goes_on(page_of, office, card, [work.sign()])["error"] == {"code": "out-of-turn"}


def test_a_held_passcode_is_given_up_when_the_card_leaves(bridge, page, office, card):
    sign_in(page, office, card)
    bridge.remove()
    bridge.insert("one")
    page.until_event("card-removed")
    again = page.read_card()
    assert again["seat"] != card["seat"]
    answer = goes_on(page, office, again, [work.sign()])
    assert answer["error"] == {"code": "out-of-turn"}


def test_another_page_has_no_part_in_a_held_passcode(bridge, page, office, card):
    sign_in(page, office, card)
    with bridge.page() as other:
        answer = other.step(office, card, [work.sign()])
        assert answer["error"] == {"code": "passcode-needed"}


# A bridge with short limits


@pytest.fixture
def short(tmp_path: Path, office: TicketOffice) -> Iterator[RunningBridge]:
    limits = {"hold_wait": 0.4, "hold_total": 1.2, "busy": 0.3, "keep_alive": 0.1}
    issued_card(tmp_path / "short" / "cards" / "one.json")
    settings = bridge_settings(tmp_path / "short", office.jwk, **limits)
    with running_bridge(settings) as running:
        running.insert("one")
        yield running


@pytest.fixture
def page_of(short: RunningBridge) -> Iterator[Page]:
    with short.page() as page:
        yield page


@pytest.fixture
def card_of(page_of: Page):
    return page_of.read_card
