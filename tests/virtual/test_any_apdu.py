"""Whatever a virtual card is sent, it answers with a status word and gives nothing away."""

import secrets
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reader_bridge.piv.apdu import CardConnection, Command
from reader_bridge.piv.card import INS_SELECT, PIV_APPLICATION
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS
from reader_bridge.virtual.state import CardState, Secret
from tests.parts import properties
from tests.parts.apdus import APDUS, WELL_FORMED
from tests.parts.cards import authenticate, in_hand

MAKES = ("default", "plain-standard", "lenient", "token")
SELECT = bytes(Command(INS_SELECT, p1=0x04, data=PIV_APPLICATION))
HIDDEN = f"{secrets.randbelow(9 * 10**5) + 10**5}"  # a passcode that no example knows


def a_card(make: str) -> VirtualCard:
    """A card with secrets, keys and objects of its own. It cannot be reset."""
    behaviour = replace(BEHAVIOURS[make], resettable=False, key_generation_seconds=0.0)
    card = VirtualCard(deepcopy(PREPARED[make]), behaviour)
    card.transmit(SELECT)
    return card


def _prepared(make: str) -> CardState:
    state = CardState.blank(BEHAVIOURS[make], serial=7)
    card = in_hand(VirtualCard(state))
    authenticate(card, state.management_key)
    for slot in ("9a", "9c", "9e"):
        card.generate(slot, "ES256")
        card.write_certificate(slot, b"\x30\x02\x05\x00")
    state.management_key = bytes(range(100, 100 + len(state.management_key)))
    state.passcode.value = Secret.fresh(HIDDEN, 1).value
    state.puk.value = f"{secrets.randbelow(9 * 10**7) + 10**7}".encode()
    return state


PREPARED = {make: _prepared(make) for make in MAKES}


def answers(card: VirtualCard, apdu: bytes) -> int:
    """Send it; the answer must end in a status word that [iso] 5.6 allows."""
    answer = card.transmit(apdu)
    assert len(answer) >= 2
    assert 0x61 <= answer[-2] <= 0x6F or answer[-2:] == b"\x90\x00"
    return int.from_bytes(answer[-2:], "big")


@pytest.mark.parametrize("make", MAKES)
@given(st.lists(APDUS, min_size=1, max_size=12))
def test_a_card_changes_nothing_for_somebody_without_its_secrets(
    make: str, apdus: list[bytes]
) -> None:
    card = a_card(make)
    before = deepcopy(card.state)
    for apdu in apdus:
        answers(card, apdu)
    assert card.state.passcode.value == before.passcode.value
    assert card.state.puk.value == before.puk.value
    assert card.state.passcode.left <= before.passcode.left
    assert card.state.puk.left <= before.puk.left
    assert card.state.management_key == before.management_key
    assert card.state.objects == before.objects
    # A card that attests makes its attestation key when it is first asked.
    assert {slot: held for slot, held in card.state.keys.items() if slot != "f9"} == before.keys


@pytest.mark.parametrize("make", MAKES)
@given(st.lists(WELL_FORMED, min_size=1, max_size=8))
def test_a_holders_key_signs_for_nobody_without_the_passcode(make: str, apdus: list[bytes]) -> None:
    card = a_card(make)
    for apdu in apdus:
        answers(card, apdu)
    card.transmit(SELECT)
    signing = bytes.fromhex("7c24 8200 8120") + bytes(32)
    for slot in (0x9A, 0x9C):
        assert answers(card, b"\x00\x87\x11" + bytes((slot, len(signing))) + signing) != 0x9000


IMPORT_POLICY = bytes.fromhex("00fe119a 26 0620") + bytes(31) + b"\x01" + bytes.fromhex("aa020101")
METADATA = bytes.fromhex("00f7009a")


@pytest.mark.parametrize("make", MAKES)
@given(st.lists(st.one_of(APDUS, WELL_FORMED), min_size=1, max_size=12))
@example([IMPORT_POLICY, METADATA])
def test_a_card_answers_anything_also_to_somebody_who_knows_its_secrets(
    make: str, apdus: list[bytes]
) -> None:
    card = a_card(make)
    for apdu in apdus:
        hand = in_hand(card)
        key = card.state.management_key
        authenticate(hand, key)
        if card.state.passcode.left and card.state.passcode.value.startswith(HIDDEN.encode()):
            hand.verify(HIDDEN)
        answers(card, apdu)
        card.reset()


@pytest.mark.parametrize("make", MAKES)
@given(st.lists(APDUS, max_size=6))
@properties.fewer(2)
def test_after_anything_a_card_that_is_put_in_again_works(make: str, apdus: list[bytes]) -> None:
    card = a_card(make)
    for apdu in apdus:
        answers(card, apdu)
    card.reset()
    connection = CardConnection(card)
    assert connection.transmit(Command(INS_SELECT, p1=0x04, data=PIV_APPLICATION)).ok
    assert CardState.blank(card.state.behaviour).passcode.value != card.state.passcode.value
