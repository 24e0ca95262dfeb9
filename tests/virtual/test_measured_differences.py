"""Each line of what was measured on real cards is a setting of the virtual one, and a test."""

from dataclasses import replace

import pytest

from reader_bridge.piv import objects, pin, tlv
from reader_bridge.piv.apdu import CardConnection, Command
from reader_bridge.piv.errors import (
    MalformedAnswer,
    NotAuthenticated,
    PinBlocked,
    PinRefused,
    UnexpectedStatus,
    Unsupported,
    WrittenDiffers,
    WrongManagementKey,
    WrongPin,
)
from reader_bridge.virtual.behaviour import BEHAVIOURS
from tests.parts.cards import (
    PASSCODE,
    PUK,
    answer_with,
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


# 9


def test_an_interrupted_write_leaves_half_an_object_on_two_cards():
    virtual = virtual_card(keeps_partial_writes=True)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.write_certificate("9a", bytes(600))
    write = Command(
        0xDB, 0x3F, 0xFF, bytes.fromhex("5c035fc105 53820208 70820201") + b"\x01" * 513 + b"\xfe\0"
    )
    virtual.transmit(next(iter(write.frames())))
    virtual.insert()
    card.select()
    with pytest.raises(MalformedAnswer):
        card.read_certificate("9a")


def test_an_interrupted_write_leaves_the_old_object_on_the_third():
    virtual = virtual_card()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.write_certificate("9a", b"old")
    write = Command(0xDB, 0x3F, 0xFF, bytes.fromhex("5c035fc105 53820208") + bytes(520))
    virtual.transmit(next(iter(write.frames())))
    virtual.insert()
    card.select()
    assert card.read_certificate("9a") == b"old"


@pytest.mark.parametrize(("destroys", "left"), [(True, None), (False, b"old")])
def test_an_oversized_write_destroys_the_old_object_on_one_card(destroys, left):
    card = ready(largest_object=2996, oversized_write_destroys=destroys)
    card.write_object(objects.CCC, b"old")
    card.write_object(objects.CCC, bytes(2996))
    card.write_object(objects.CCC, b"old")
    with pytest.raises(UnexpectedStatus) as error:
        card.write_object(objects.CCC, bytes(2997))
    assert error.value.sw == 0x6A84
    assert card.read_object(objects.CCC) == left


def test_a_card_that_keeps_something_else_is_found_out_by_reading_back():
    virtual = virtual_card()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    honest = virtual.transmit

    def forgetful(apdu):
        answer = honest(apdu)
        if apdu[1] == 0xDB:
            virtual.state.objects[objects.CCC] = b"something else"
        return answer

    virtual.transmit = forgetful
    with pytest.raises(WrittenDiffers):
        card.write_object(objects.CCC, b"mine")


# 10


def test_a_new_key_leaves_the_old_certificate_and_ends_the_old_key():
    card = ready()
    old = card.generate("9e", "ES256")
    card.write_certificate("9e", b"old certificate")
    assert card.generate("9e", "ES256") != old
    assert card.read_certificate("9e") == b"old certificate"


@pytest.mark.parametrize("slot", ["82", "8c", "95"])
def test_the_retired_slots_hold_keys_and_certificates(slot):
    card = ready()
    card.generate(slot, "ES256")
    card.write_certificate(slot, b"certificate")
    card.verify(PASSCODE)
    assert len(card.sign(slot, "ES256", b"")) == 64
    assert card.read_certificate(slot) == b"certificate"


def test_an_rsa_key_outlives_a_new_ec_key_on_one_card():
    card = ready(keeps_rsa_beside_ec=True)
    card.generate("9e", "RS256")
    card.generate("9e", "ES256")
    card.sign("9e", "RS256", b"")
    card.sign("9e", "ES256", b"")
    strict = ready()
    strict.generate("9e", "RS256")
    strict.generate("9e", "ES256")
    with pytest.raises(Unsupported):
        strict.sign("9e", "RS256", b"")


# 11


def test_a_blank_card_may_have_no_chuid_no_ccc_and_no_serial():
    card = ready("plain-standard")
    assert (card.read_chuid(), card.read_object(objects.CCC), card.serial()) == (None, None, None)


def test_two_of_three_leave_the_factory_with_a_guid_of_their_own():
    first, second = ready().read_chuid(), ready().read_chuid()
    assert first
    assert second
    assert first.guid != second.guid


def test_serials_are_unsigned():
    assert ready().serial() == "4000000001"


@pytest.mark.parametrize("sw", [0x9000, 0x6A88, 0x6D00])
def test_an_empty_slots_metadata_is_answered_in_three_ways(sw):
    virtual = virtual_card(empty_slot_metadata_sw=sw)
    in_hand(virtual)
    assert virtual.transmit(bytes.fromhex("00f7009a00")) == sw.to_bytes(2, "big")


@pytest.mark.parametrize(("empty", "answer"), [(True, "53009000"), (False, "6a82")])
def test_a_deleted_object_reads_empty_or_is_not_found(empty, answer):
    virtual = virtual_card(deleted_object_reads_empty=empty)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.delete_object(objects.CHUID)
    read = bytes.fromhex("00cb3fff055c035fc10200")
    assert virtual.transmit(read).hex() == answer
    assert card.read_chuid() is None


# 12


@pytest.mark.parametrize(
    ("extended", "answer"),
    [("refused", "6700"), ("taken", "whole"), ("taken-61xx", "61")],
)
def test_extended_commands_are_refused_taken_or_taken_with_parts_to_fetch(extended, answer):
    virtual = virtual_card(extended=extended)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.write_object(objects.CCC, bytes(400))
    said = virtual.transmit(bytes.fromhex("00cb3fff000005 5c035fc107 0000"))
    if answer == "whole":
        assert (len(said), said[-2:]) == (406, b"\x90\x00")
    else:
        assert said[-2:].hex().startswith(answer)


@pytest.mark.parametrize("extended", ["taken", "taken-61xx"])
def test_a_connection_with_extended_length_writes_and_reads(extended):
    virtual = virtual_card(extended=extended)
    card = in_hand(virtual)
    card._connection = CardConnection(virtual, extended=True)
    authenticate(card, virtual.state.management_key)
    card.write_certificate("9a", bytes(1400))
    assert card.read_certificate("9a") == bytes(1400)


# 14


def test_setting_the_retry_counts_wants_passcode_and_management_key():
    card = ready()
    with pytest.raises(NotAuthenticated):
        card.set_retry_counts(4, 10)
    card.verify(PASSCODE)
    card.set_retry_counts(4, 10)
    assert (card.passcode_tries_left(), card.puk_tries_left()) == (4, 10)
    without = in_hand(virtual_card())
    without.verify(PASSCODE)
    with pytest.raises(NotAuthenticated):
        without.set_retry_counts(4, 10)


def test_setting_the_retry_counts_brings_back_the_factorys_secrets():
    card = ready()
    card.change_passcode(PASSCODE, "654321")
    card.change_puk(PUK, "87654321")
    card.verify("654321")
    card.set_retry_counts(3, 10)
    card.verify(PASSCODE)
    card.change_puk(PUK, "11223344")


def test_some_cards_have_fixed_retry_counts():
    card = ready("fixed-counts")
    card.verify(PASSCODE)
    with pytest.raises(Unsupported):
        card.set_retry_counts(3, 10)


@pytest.mark.parametrize("sw", [0x6982, 0x6985, 0x6A86])
def test_an_empty_slot_refuses_to_sign_in_three_ways(sw):
    with pytest.raises(UnexpectedStatus) as error:
        ready(empty_slot_sw=sw).sign("9e", "ES256", b"")
    assert error.value.sw == sw


@pytest.mark.parametrize(
    ("attestation", "present"), [("good", True), ("short", False), ("none", False)]
)
def test_an_attestation_a_byte_short_is_none(attestation, present):
    card = ready(attestation=attestation)
    card.generate("9a", "ES256")
    assert (card.attest("9a") is not None) is present


# 15


def test_a_key_takes_as_long_as_the_setting_says():
    slept = []
    virtual = virtual_card("slow-keys")
    virtual._sleep = slept.append
    virtual.reset()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.generate("9a", "ES256")
    assert slept == [5.0]


# From the operations' step tables


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


def test_what_a_named_behaviour_differs_in_survives_its_file():
    for behaviour in BEHAVIOURS.values():
        assert type(behaviour).from_settings(behaviour.as_settings()) == behaviour


def test_a_setting_that_no_card_has_is_an_error():
    with pytest.raises(ValueError, match="colour"):
        type(BEHAVIOURS["default"]).from_settings({"colour": "blue"})


def test_the_probe_for_tries_is_no_try_even_when_repeated():
    card = in_hand(virtual_card())
    assert {pin.tries_left(card._connection) for _ in range(10)} == {3}


def test_default_and_its_copies_differ_in_one_thing_each():
    default = BEHAVIOURS["default"]
    assert replace(BEHAVIOURS["no-metadata"], metadata=True) == default
