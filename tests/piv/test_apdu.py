import pytest

from reader_bridge.piv.apdu import CardConnection, Command, Response
from reader_bridge.piv.errors import CardRemoved, MalformedAnswer
from tests.piv.scripted import ScriptedChannel

BLOCK = "aa" * 255


def test_a_printed_command_never_shows_its_data():
    printed = repr(Command(0x20, p2=0x80, data=b"123456\xff\xff"))
    assert printed == "<Command 00 20 00 80 +8 bytes>"
    assert "31" not in printed


def test_a_printed_response_never_shows_its_data():
    assert repr(Response(b"secret", 0x9000)) == "<Response 9000 +6 bytes>"


@pytest.mark.parametrize(
    ("command", "apdu"),
    [
        (Command(0x20, p2=0x80), "00200080"),
        (Command(0xF8, answers=True), "00f8000000"),
        (Command(0x20, p2=0x80, data=b"1"), "002000800131"),
        (Command(0xCB, 0x3F, 0xFF, b"\x5c\x00", answers=True), "00cb3fff025c0000"),
    ],
)
def test_a_short_command_has_the_four_forms_of_the_standard(command, apdu):
    assert bytes(command).hex() == apdu


def test_a_long_command_is_a_chain_whose_last_frame_asks_for_the_answer():
    script = ScriptedChannel(
        (f"10db3fffff{BLOCK}", "9000"),
        (f"10db3fffff{BLOCK}", "9000"),
        ("00db3fff01aa00", "01 9000"),
    )
    with script as channel:
        response = CardConnection(channel).transmit(
            Command(0xDB, 0x3F, 0xFF, b"\xaa" * 511, answers=True)
        )
    assert response == Response(b"\x01", 0x9000)


def test_data_of_exactly_two_frames_has_no_empty_third():
    script = ScriptedChannel((f"10db0000ff{BLOCK}", "9000"), (f"00db0000ff{BLOCK}", "9000"))
    with script as channel:
        assert CardConnection(channel).transmit(Command(0xDB, data=b"\xaa" * 510)).ok


def test_a_chain_stops_at_the_first_frame_that_is_refused():
    with ScriptedChannel((f"10db0000ff{BLOCK}", "6982")) as channel:
        response = CardConnection(channel).transmit(Command(0xDB, data=b"\xaa" * 600))
    assert response.sw == 0x6982


def test_an_extended_command_is_one_apdu_where_the_setting_says_so():
    data = "aa" * 300
    with ScriptedChannel((f"00db3fff00012c{data}0000", "9000")) as channel:
        connection = CardConnection(channel, extended=True)
        assert connection.transmit(Command(0xDB, 0x3F, 0xFF, bytes.fromhex(data), answers=True)).ok


def test_a_short_command_stays_short_where_extended_ones_are_allowed():
    with ScriptedChannel(("00f8000000", "9000")) as channel:
        assert CardConnection(channel, extended=True).transmit(Command(0xF8, answers=True)).ok


def test_what_the_card_still_has_is_fetched_until_it_has_no_more():
    script = ScriptedChannel(
        ("00cb000000", "0102 6102"), ("00c0000002", "0304 6100"), ("00c0000000", "05 9000")
    )
    with script as channel:
        response = CardConnection(channel).transmit(Command(0xCB, answers=True))
    assert response == Response(bytes((1, 2, 3, 4, 5)), 0x9000)


def test_a_wrong_length_is_asked_again_as_the_card_wants_it():
    with ScriptedChannel(("00f8000000", "6c04"), ("00f8000004", "00000001 9000")) as channel:
        response = CardConnection(channel).transmit(Command(0xF8, answers=True))
    assert response.data == bytes((0, 0, 0, 1))


@pytest.mark.parametrize("answer", ["", "90"])
def test_fewer_than_two_bytes_mean_that_the_card_is_gone(answer):
    with ScriptedChannel(("00200080", answer)) as channel, pytest.raises(CardRemoved) as error:
        CardConnection(channel).transmit(Command(0x20, p2=0x80))
    assert error.value.instruction == 0x20


def test_a_channel_that_knows_of_the_removal_is_told_which_command_it_was():
    class Gone:
        def transmit(self, apdu: bytes) -> bytes:
            raise CardRemoved

    with pytest.raises(CardRemoved) as error:
        CardConnection(Gone()).transmit(Command(0xDB))
    assert error.value.instruction == 0xDB


def test_a_card_that_never_stops_talking_is_stopped():
    class Endless:
        def transmit(self, apdu: bytes) -> bytes:
            return bytes(256) + b"\x61\x00"

    with pytest.raises(MalformedAnswer):
        CardConnection(Endless()).transmit(Command(0xCB, answers=True))
