"""A card torn out of its reader at any APDU: gone at once, and whole when it is put in again."""

from dataclasses import replace

import pytest

from reader_bridge.piv import objects
from reader_bridge.piv.errors import CardRemoved, MalformedAnswer, NotAuthenticated, WrongPin
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS, Behaviour, Tear
from reader_bridge.virtual.state import CardState, new_card
from tests.parts.cards import PASSCODE, authenticate, in_hand, virtual_card

VERIFY = 2  # of the APDUs that a card in hand is sent: SELECT, then this


def test_a_tear_before_a_command_leaves_it_undone():
    virtual = virtual_card(tear=Tear(VERIFY, takes_effect=False))
    card = in_hand(virtual)
    with pytest.raises(CardRemoved):
        card.verify("999999")
    assert virtual.state.passcode.left == 3


def test_a_tear_after_a_command_leaves_it_done_and_unanswered():
    virtual = virtual_card(tear=Tear(VERIFY, takes_effect=True))
    card = in_hand(virtual)
    with pytest.raises(CardRemoved):
        card.verify("999999")
    assert virtual.state.passcode.left == 2


def test_a_torn_card_is_silent_until_it_is_put_in_again_and_then_behaves():
    virtual = virtual_card(tear=Tear(VERIFY, takes_effect=True))
    card = in_hand(virtual)
    with pytest.raises(CardRemoved):
        card.verify(PASSCODE)
    assert not virtual.present
    with pytest.raises(CardRemoved):
        card.select()
    virtual.insert()
    assert virtual.present
    card.select()
    card.verify(PASSCODE)


def test_a_torn_card_forgets_what_was_proven_to_it():
    virtual = virtual_card()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    virtual.insert()
    card.select()
    with pytest.raises(NotAuthenticated):
        card.write_object(objects.CCC, b"")


def test_a_tear_is_used_up_in_the_cards_file_too(tmp_path):
    path = tmp_path / "card.json"
    torn = VirtualCard(new_card(path, behaviour=Behaviour(tear=Tear(1, takes_effect=False))))
    with pytest.raises(CardRemoved):
        in_hand(torn)
    assert CardState.load(path).behaviour.tear is None


def whole_life(virtual):
    """Something of everything that changes a card."""
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.generate("9e", "ES256")
    card.write_certificate("9e", bytes(600))
    card.change_puk("12345678", "87654321")
    card.reset_retry_counter("87654321", "654321")
    card.verify("654321")
    card.set_management_key("AES256", bytes(range(32)))


def apdus_of_a_whole_life():
    virtual = virtual_card()
    whole_life(virtual)
    return virtual._sent


@pytest.mark.parametrize("name", ["default", "plain-standard", "token", "lenient"])
@pytest.mark.parametrize("takes_effect", [True, False])
def test_a_card_torn_at_any_apdu_is_still_a_card(tmp_path, name, takes_effect):
    path = tmp_path / "card.json"
    for at in range(1, apdus_of_a_whole_life() + 1):
        torn = replace(BEHAVIOURS[name], tear=Tear(at, takes_effect), management_key_settable=True)
        virtual = VirtualCard(new_card(path, behaviour=torn))
        with pytest.raises(CardRemoved):
            whole_life(virtual)

        again = VirtualCard.load(path)
        card = in_hand(again)
        authenticate(card, again.state.management_key)
        passcode = again.state.passcode.value.rstrip(b"\xff").decode()
        card.verify(passcode)
        try:
            held = card.read_certificate("9e")
        except MalformedAnswer:
            assert again.state.behaviour.keeps_partial_writes
        else:
            assert held in (None, bytes(600))
        with pytest.raises(WrongPin):
            card.verify("99999999")
