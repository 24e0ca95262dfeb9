"""How real cards differ in objects, keys and transport: a setting and a test each.

The numbers are those of the list of measured differences.
"""

import pytest

from reader_bridge.piv import objects
from reader_bridge.piv.apdu import CardConnection, Command
from reader_bridge.piv.errors import (
    MalformedAnswer,
    NotAuthenticated,
    UnexpectedStatus,
    Unsupported,
    WrittenDiffers,
)
from tests.parts.cards import (
    PASSCODE,
    PUK,
    authenticate,
    in_hand,
    ready,
    virtual_card,
)

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


def test_a_signature_and_each_command_take_as_long_as_the_settings_say():
    slept = []
    virtual = virtual_card(signature_seconds=0.2, command_seconds=0.02)
    virtual._sleep = slept.append
    virtual.reset()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.generate("9e", "ES256")
    slept.clear()
    card.sign("9e", "ES256", b"a text")
    assert slept == [0.02, 0.2]
