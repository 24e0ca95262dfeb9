"""What some cards lose when another command comes between, or demand again."""

import pytest

from reader_bridge.piv.apdu import Command
from reader_bridge.piv.errors import (
    NotAuthenticated,
    PinBlocked,
    UnexpectedStatus,
    WrongManagementKey,
    WrongPin,
)
from tests.parts.cards import (
    PASSCODE,
    PUK,
    answer_with,
    authenticate,
    in_hand,
    ready,
    virtual_card,
)

WITH_MANAGEMENT_ONLY = 0x5FC102


def managed(card):
    """Say whether the card takes a write."""
    try:
        card.write_object(WITH_MANAGEMENT_ONLY, b"\x01")
    except NotAuthenticated:
        return False
    return True


@pytest.mark.parametrize("verifies", [True, False])
def test_a_changed_passcode_is_verified_on_some_cards_only(verifies):
    card = ready(change_verifies=verifies, reset_retry_verifies=verifies)
    card.generate("9a", "ES256")
    for change in (
        lambda: card.change_passcode(PASSCODE, "654321"),
        lambda: card.reset_retry_counter(PUK, "765432"),
    ):
        change()
        if verifies:
            card.sign("9a", "ES256", b"")
        else:
            with pytest.raises(NotAuthenticated):
                card.sign("9a", "ES256", b"")


def test_the_puk_may_be_changed_to_itself_which_is_how_a_lost_answer_is_found_out():
    card = ready()
    card.change_puk(PUK, "87654321")
    card.change_puk("87654321", "87654321")
    with pytest.raises(WrongPin):
        card.change_puk(PUK, "87654321")
    card.change_puk("87654321", "87654321")
    assert card.puk_tries_left() == 3


@pytest.mark.parametrize(("drops", "lost"), [(True, True), (False, False)])
def test_a_signature_between_witness_and_answer_loses_the_witness_on_two_cards(drops, lost):
    virtual = virtual_card(signature_drops_witness=drops)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.generate("9e", "ES256")
    algorithm, witness = card.open_management()
    card.sign("9e", "ES256", b"")
    if lost:
        with pytest.raises(WrongManagementKey):
            answer_with(card, algorithm, witness, virtual.state.management_key)
    else:
        answer_with(card, algorithm, witness, virtual.state.management_key)


@pytest.mark.parametrize(("ends", "still"), [(True, False), (False, True)])
def test_a_new_witness_ends_the_authentication_on_two_cards(ends, still):
    card = ready(new_witness_ends_authentication=ends)
    card.open_management()
    assert managed(card) is still


def test_another_programs_command_breaks_a_chain_of_writes():
    virtual = virtual_card()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.generate("9e", "ES256")
    frames = list(Command(0xDB, 0x3F, 0xFF, bytes(400)).frames())
    virtual.transmit(frames[0])
    card.sign("9e", "ES256", b"")
    assert virtual.transmit(frames[1]) != b"\x90\x00"


@pytest.mark.parametrize("dead", [True, False])
def test_with_both_blocked_one_card_does_not_even_sign_with_9e(dead):
    card = ready(puk_tries=1, dead_when_both_blocked=dead, last_wrong_sw=0x63C0)
    card.generate("9e", "ES256")
    with pytest.raises(PinBlocked):
        card.reset_retry_counter("99999999", "654321")
    for _ in range(3):
        with pytest.raises((WrongPin, PinBlocked)):
            card.verify("999999")
    if dead:
        with pytest.raises(UnexpectedStatus) as error:
            card.sign("9e", "ES256", b"")
        assert error.value.sw == 0x6F00
    else:
        card.sign("9e", "ES256", b"")
