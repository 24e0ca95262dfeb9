"""How real cards differ in passcodes, PUKs and management keys: a setting and a test each.

The numbers are those of the list of measured differences.
"""

import pytest

from reader_bridge.piv import objects, tlv
from reader_bridge.piv.apdu import Command
from reader_bridge.piv.errors import (
    NotAuthenticated,
    PinBlocked,
    PinRefused,
    UnexpectedStatus,
    Unsupported,
    WrongManagementKey,
    WrongPin,
)
from tests.parts.cards import (
    PASSCODE,
    PUK,
    authenticate,
    cipher,
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


# 1


@pytest.mark.parametrize(("deceives", "authenticated"), [(True, False), (False, True)])
def test_an_empty_82_beside_the_answer_deceives_one_card(deceives, authenticated):
    virtual = virtual_card(empty_82_deceives=deceives)
    card = in_hand(virtual)
    algorithm, witness = card.open_management()
    plain = cipher(algorithm, virtual.state.management_key).decryptor().update(witness)
    items = tlv.encode(0x80, plain) + tlv.encode(0x81, bytes(16)) + tlv.encode(0x82)
    command = Command(0x87, 0x0A, 0x9B, tlv.encode(0x7C, items), answers=True)
    assert virtual.transmit(bytes(command))[-2:] == b"\x90\x00"
    assert managed(card) is authenticated


# 2


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("algorithm", ["3DES", "AES128", "AES192", "AES256"])
def test_the_management_algorithm_is_found_with_metadata_and_without(algorithm, metadata):
    card = ready(management_algorithm=algorithm, metadata=metadata)
    assert card.open_management()[0] == algorithm


@pytest.mark.parametrize("algorithm", ["3DES", "AES128", "AES192", "AES256"])
def test_a_new_management_key_takes_the_place_of_the_old(algorithm):
    virtual = virtual_card()
    old = virtual.state.management_key
    card = in_hand(virtual)
    authenticate(card, old)
    new = bytes(range(100, 100 + {"3DES": 24, "AES128": 16, "AES192": 24, "AES256": 32}[algorithm]))
    card.set_management_key(algorithm, new)
    with pytest.raises((WrongManagementKey, AssertionError, ValueError)):
        authenticate(card, old)
    authenticate(card, new)


def test_one_card_keeps_its_management_key():
    with pytest.raises(Unsupported) as error:
        ready(management_key_settable=False).set_management_key("AES192", bytes(range(24)))
    assert error.value.sw == 0x6D00


# 3


@pytest.mark.parametrize(("accepts", "outcome"), [(True, True), (False, False)])
def test_one_card_accepts_an_empty_passcode(accepts, outcome):
    virtual = virtual_card(accepts_empty_passcode=accepts)
    virtual.transmit(bytes(Command(0xA4, 4, 0, bytes.fromhex("a000000308"))))
    data = PASSCODE.encode().ljust(8, b"\xff") + b"\xff" * 8
    answer = virtual.transmit(bytes(Command(0x24, p2=0x80, data=data)))
    assert (answer == b"\x90\x00") is outcome


@pytest.mark.parametrize("accepts", [True, False])
def test_two_cards_accept_a_management_key_of_zeros(accepts):
    card = ready(accepts_zero_management_key=accepts)
    if accepts:
        card.set_management_key("AES192", bytes(24))
    else:
        with pytest.raises(UnexpectedStatus):
            card.set_management_key("AES192", bytes(24))


@pytest.mark.parametrize("new", ["12345", "abcdef", "12345a"])
def test_two_cards_accept_six_to_eight_digits_only(new):
    with pytest.raises(PinRefused) as error:
        ready("digits-63c0").change_passcode(PASSCODE, new)
    assert error.value.sw == 0x6A80


@pytest.mark.parametrize("new", ["abcd", "A1!?", "12345678"])
def test_the_usual_virtual_card_takes_four_to_eight_printable_characters(new):
    card = ready()
    card.change_passcode(PASSCODE, new)
    card.verify(new)


@pytest.mark.parametrize("new", ["abc", "a b c d", "ab\x07cd"])
def test_the_usual_virtual_card_refuses_the_rest(new):
    with pytest.raises(PinRefused):
        ready().change_passcode(PASSCODE, new)


def test_one_card_refuses_letters_in_a_puk():
    with pytest.raises(PinRefused):
        ready("digits-63c0").change_puk(PUK, "ABCDEFGH")


# 4


@pytest.mark.parametrize("tries", [3, 5, 6, 10])
@pytest.mark.parametrize("last", [0x63C0, 0x6983])
@pytest.mark.parametrize("blocked", [0x63C0, 0x6983])
def test_every_wrong_passcode_costs_one_try_until_the_card_is_blocked(tries, last, blocked):
    virtual = virtual_card(passcode_tries=tries, last_wrong_sw=last, blocked_sw=blocked)
    card = in_hand(virtual)
    for left in range(tries - 1, 0, -1):
        with pytest.raises(WrongPin) as error:
            card.verify("999999")
        assert error.value.attempts_remaining == left == card.passcode_tries_left()
    wrong = bytes(Command(0x20, p2=0x80, data=b"999999\xff\xff"))
    assert virtual.transmit(wrong) == last.to_bytes(2, "big")
    assert virtual.transmit(wrong) == blocked.to_bytes(2, "big")
    assert card.passcode_tries_left() == 0
    with pytest.raises(PinBlocked):
        card.verify(PASSCODE)


def test_the_right_passcode_gives_all_tries_back():
    card = ready()
    with pytest.raises(WrongPin):
        card.verify("999999")
    card.verify(PASSCODE)
    assert card.passcode_tries_left() == 3


@pytest.mark.parametrize(("costs", "left"), [(True, 2), (False, 3)])
def test_a_malformed_verify_costs_a_try_on_two_cards(costs, left):
    card = ready(malformed_verify_costs_a_try=costs)
    with pytest.raises(PinRefused):
        card.verify("12")
    assert card.passcode_tries_left() == left


@pytest.mark.parametrize(("metadata", "left"), [(True, 3), (False, None)])
def test_the_puks_tries_are_told_only_with_metadata(metadata, left):
    assert ready(metadata=metadata).puk_tries_left() == left


# 5


def blocked_for_good(**differences):
    card = ready(puk_tries=2, **differences)
    for _ in range(2):
        with pytest.raises((WrongPin, PinBlocked)):
            card.reset_retry_counter("99999999", "654321")
    for _ in range(3):
        with pytest.raises((WrongPin, PinBlocked)):
            card.verify("999999")
    return card


def test_with_both_blocked_one_card_has_no_reset_and_the_management_key_still_works():
    card = blocked_for_good(resettable=False)
    with pytest.raises(Unsupported):
        card.reset()
    assert managed(card)


def test_with_both_blocked_another_card_goes_back_to_the_factory():
    card = blocked_for_good()
    card.reset()
    card.verify(PASSCODE)
    assert not managed(card)


def test_a_reset_wants_both_blocked():
    with pytest.raises(UnexpectedStatus) as error:
        ready().reset()
    assert error.value.sw == 0x6985


# 6


BETWEEN = {
    "read": lambda card: card.read_chuid(),
    "write": lambda card: card.write_object(objects.CCC, b"\x01"),
    "generate": lambda card: card.generate("9d", "ES256"),
    "witness": lambda card: card.open_management(),
    "another slot's signature": lambda card: card.sign("9a", "ES256", b""),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("between", BETWEEN)
def test_9c_wants_the_passcode_just_before_the_signature_on_two_cards(between, strict):
    card = ready(signature_wants_verify_just_before=strict)
    for slot in ("9a", "9c"):
        card.generate(slot, "ES256")
    card.verify(PASSCODE)
    BETWEEN[between](card)
    if strict:
        with pytest.raises(NotAuthenticated):
            card.sign("9c", "ES256", b"")
    else:
        card.sign("9c", "ES256", b"")


def test_9c_wants_the_passcode_before_each_signature():
    card = ready("lenient")
    card.generate("9c", "RS256")
    card.verify(PASSCODE)
    card.sign("9c", "RS256", b"")
    with pytest.raises(NotAuthenticated):
        card.sign("9c", "RS256", b"")


def test_9a_wants_the_passcode_once_and_9e_never():
    card = ready()
    for slot in ("9a", "9e"):
        card.generate(slot, "ES256")
    with pytest.raises(NotAuthenticated):
        card.sign("9a", "ES256", b"")
    card.sign("9e", "ES256", b"")
    card.verify(PASSCODE)
    for _ in range(2):
        card.sign("9a", "ES256", b"")


# 7


@pytest.mark.parametrize("keeps", [True, False])
def test_select_drops_the_management_key_always_and_the_passcode_mostly(keeps):
    card = ready(keeps_passcode_across_select=keeps)
    card.generate("9a", "ES256")
    card.verify(PASSCODE)
    card.select()
    assert not managed(card)
    if keeps:
        card.sign("9a", "ES256", b"")
    else:
        with pytest.raises(NotAuthenticated):
            card.sign("9a", "ES256", b"")


# 8 is tested with PC/SC
