import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.parts.cards import in_hand, virtual_card

SELECT = bytes.fromhex("00a4040005a000000308")


@given(some.lists(some.binary(max_size=24), max_size=6), some.booleans())
def test_any_bytes_get_a_status_word(apdus, selected):
    virtual = virtual_card(metadata=True, extended="taken")
    if selected:
        virtual.transmit(SELECT)
    for apdu in apdus:
        assert len(virtual.transmit(apdu)) >= 2


@given(
    some.sampled_from((0x20, 0x24, 0x2C, 0x47, 0x87, 0xCB, 0xDB, 0xF7, 0xF9, 0xFF, 0xFE)),
    some.integers(0, 255),
    some.integers(0, 255),
    some.binary(max_size=40),
)
def test_any_data_of_a_known_instruction_gets_a_status_word(ins, p1, p2, data):
    virtual = virtual_card()
    virtual.transmit(SELECT)
    virtual._inside.powered.management_authenticated = True
    apdu = bytes((0, ins, p1, p2, len(data))) + data if data else bytes((0, ins, p1, p2))
    assert len(virtual.transmit(apdu)) >= 2


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("", "6700"),
        ("00a404", "6700"),
        ("00a404000ba0000003", "6700"),
        ("80ca000000", "6e00"),
        ("00b0000000", "6d00"),
        ("00a4040007a0000000031010", "6a82"),
        ("00a40000023f00", "6a86"),
        ("00200081", "6a88"),
        ("0020018008313233343536ffff", "6a86"),
        ("00240080083132333435363738", "6700"),
        ("00cb0000055c035fc102", "6a86"),
        ("00cb3fff0453025fc1", "6a80"),
        ("0087119a027c00", "6a86"),
        ("00db3fff055c035fc102", "6982"),
    ],
)
def test_what_is_wrong_with_a_command_is_told_by_the_standards_status(apdu, sw):
    virtual = virtual_card()
    virtual.transmit(SELECT)
    assert virtual.transmit(bytes.fromhex(apdu)).hex() == sw


def test_nothing_works_before_the_application_is_selected():
    assert virtual_card().transmit(bytes.fromhex("00200080")).hex() == "6d00"


def test_another_application_that_is_not_there_leaves_this_one_selected():
    virtual = virtual_card()
    card = in_hand(virtual)
    virtual.transmit(bytes.fromhex("00a4040007a0000000031010"))
    assert card.passcode_tries_left() == 3


def test_an_empty_verify_forgets_nothing_and_p1_ff_forgets_the_passcode():
    virtual = virtual_card()
    card = in_hand(virtual)
    card.verify("123456")
    assert virtual.transmit(bytes.fromhex("00200080")).hex() == "9000"
    assert virtual.transmit(bytes.fromhex("0020ff80")).hex() == "9000"
    assert virtual.transmit(bytes.fromhex("00200080")).hex() == "63c3"
