"""Reading a card, signing with it, and what a statement and a receipt say."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from reader_bridge import encoding
from tests.parts import work
from tests.parts.bridge import ORIGIN, READER_2, Page, RunningBridge, TicketOffice
from tests.parts.issued import PASSCODE, IssuedCard
from tests.parts.statements import claims_of, receipt_claims, slot_of


def test_a_card_says_who_it_is_without_a_ticket(card, issued):
    assert card["guid"] == issued.guid
    assert card["blank"] is False
    assert card["virtual"] is True
    assert card["passcode_left"] == 3
    assert card["rule"] == {"min_length": 4, "max_length": 8, "alphabet": "ascii"}
    assert sorted(card["certificates"]) == ["9a", "9c", "9e"]
    assert encoding.to_bytes(card["certificates"]["9a"]) == b"\x30\x02\x05\x00"


def test_a_statement_says_what_the_ticket_asked_and_what_the_bridge_saw(page, office, card, issued):
    answer = page.step(office, card, [work.sign(sha256="ab" * 32)], passcode=PASSCODE)
    [result] = answer["ok"]["results"]
    claims = claims_of(result["statement"], issued.public_keys["9a"])
    assert abs(claims.pop("iat") - time.time()) < 60
    assert claims == {
        "aud": ORIGIN,
        "nonce": "nonce-1",
        "purpose": "sign-in",
        "card": issued.guid,
        "seat": card["seat"],
        "bridge": page.claims["instance"],
        "sha256": "ab" * 32,
    }
    assert slot_of(result["statement"]) == "9a"


def test_a_receipt_says_which_step_ended_how_and_with_what(page, office, card):
    answer = page.step(
        office, card, [work.sign()], passcode=PASSCODE, op="op-7", step=4, jti="ticket-9"
    )
    claims = receipt_claims(answer["ok"]["receipt"], page.hello)
    assert claims["aud"] == ORIGIN
    assert claims["sid"] == page.sid
    assert (claims["op"], claims["step"], claims["jti"]) == ("op-7", 4, "ticket-9")
    assert claims["outcome"] == "done"
    assert claims["digest"] == encoding.digest(answer["ok"]["results"])


def test_the_stages_of_a_step_are_told_as_they_happen(page, office, card):
    page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert page.progress == ["checking-card", "checking-passcode", "signing"]


@pytest.mark.parametrize("slot", ["9a", "9c"])
def test_a_key_of_the_holder_does_not_sign_without_the_passcode(page, office, card, issued, slot):
    answer = page.step(office, card, [work.sign(slot)])
    assert answer["error"]["code"] == "passcode-needed"
    assert "receipt" not in answer  # the card was not touched
    assert issued.state.passcode.left == 3


def test_the_cards_own_key_signs_without_a_passcode(page, office, card, issued):
    answer = page.step(office, card, [work.sign("9e", "unlock-start")])
    [result] = answer["ok"]["results"]
    assert claims_of(result["statement"], issued.public_keys["9e"])["purpose"] == "unlock-start"


def test_the_signature_key_is_given_the_passcode_before_each_signature(page, office, card, issued):
    items = [work.sign("9a"), work.sign("9c", "terms"), work.sign("9c", "approval"), work.sign()]
    answer = page.step(office, card, items, passcode=PASSCODE)
    slots = [slot_of(result["statement"]) for result in answer["ok"]["results"]]
    assert slots == ["9a", "9c", "9c", "9a"]


def test_a_wrong_passcode_is_counted_and_what_is_left_is_told(page, office, card, issued):
    answer = page.step(office, card, [work.sign()], passcode="Wrong1!")
    assert answer["error"] == {"code": "wrong-passcode", "left": 2}
    assert receipt_claims(answer["receipt"], page.hello)["outcome"] == "wrong-passcode"
    assert issued.state.passcode.left == 2


def test_the_tries_left_are_read_again_after_a_passcode_was_sent(page, office, card):
    page.step(office, card, [work.sign()], passcode="Wrong1!")
    assert page.read_card()["passcode_left"] == 2
    page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert page.read_card()["passcode_left"] == 3


def test_a_card_with_no_tries_left_is_locked(page, office, card):
    for left in (2, 1):
        answer = page.step(office, card, [work.sign()], passcode="Wrong1!")
        assert answer["error"]["left"] == left
    answer = page.step(office, card, [work.sign()], passcode="Wrong1!")
    assert answer["error"] == {"code": "passcode-locked"}
    answer = page.step(office, card, [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "passcode-locked"}
    assert page.read_card()["passcode_left"] == 0


@pytest.mark.parametrize("passcode", ["much-too-long", "Blüe42!x"])
def test_what_can_be_nobodys_passcode_is_wrong_and_costs_no_try(page, office, card, passcode):
    answer = page.step(office, card, [work.sign()], passcode=passcode)
    assert answer["error"] == {"code": "wrong-passcode", "left": 3}


def test_presence_is_proven_without_a_passcode(page, office, card, issued):
    answer = page.step(office, card, [work.prove_presence()])
    [result] = answer["ok"]["results"]
    claims = claims_of(result["statement"], issued.public_keys["9e"])
    assert (claims["purpose"], claims["nonce"]) == ("presence", "nonce-p")
    assert claims["card"] == issued.guid


@pytest.mark.parametrize("algorithm", ["RS256"])
def test_rsa_cards_sign_too(make_card, bridge, page, office, algorithm):
    issued = make_card("rsa", algorithm=algorithm)
    bridge.insert("rsa")
    card = page.read_card()
    answer = page.step(office, card, [work.sign(algorithm=algorithm)], passcode=PASSCODE)
    [result] = answer["ok"]["results"]
    assert claims_of(result["statement"], issued.public_keys["9a"])["purpose"] == "sign-in"


def test_a_step_that_asks_for_another_kind_of_key_is_refused_by_the_card(page, office, card):
    answer = page.step(office, card, [work.sign(algorithm="RS256")], passcode=PASSCODE)
    assert answer["error"]["code"] == "card-refused"
    assert answer["error"]["command"] == "sign"
    assert answer["error"]["outcome"] == "none"


@pytest.mark.parametrize(
    "changes", [{"slot": "9b"}, {"algorithm": "HS256"}, {"purpose": "anything"}, {"nonce": ""}]
)
def test_a_parameter_that_the_contract_does_not_know_is_not_supported(page, office, card, changes):
    answer = page.step(office, card, [{**work.sign(), **changes}], passcode=PASSCODE)
    assert answer["error"]["code"] == "unsupported"


def test_two_readers_work_at_the_same_time(
    bridge: RunningBridge,
    page: Page,
    office: TicketOffice,
    make_card: Callable[..., IssuedCard],
    card: dict[str, Any],
):
    make_card("two")
    bridge.insert("two", READER_2)
    other = page.read_card(READER_2)
    numbers = [
        page.begin(
            "step",
            ticket=office.ticket(page.sid, c["seat"], c["guid"], [work.sign()], op=o),
            passcode=PASSCODE,
        )
        for c, o in ((card, "a"), (other, "b"))
    ]
    assert all("ok" in page.answer_to(number) for number in numbers)


def test_what_one_page_learnt_of_a_card_the_next_one_is_told(bridge, page, office, card):
    with bridge.page() as second:
        assert second.read_card() == card
