import pytest

from reader_bridge.piv import management
from reader_bridge.piv.errors import (
    MalformedAnswer,
    NotAuthenticated,
    UnexpectedStatus,
    Unsupported,
    WrongManagementKey,
)
from tests.piv.scripted import ScriptedCard

METADATA = "00 f7 00 9b 00"
WITNESS_3DES = "00 87 03 9b 04 7c02 8000 00"
WITNESS_AES128 = "00 87 08 9b 04 7c02 8000 00"
WITNESS_AES192 = "00 87 0a 9b 04 7c02 8000 00"
ANSWER_3DES = "00 87 03 9b 16 7c14 8008 1111111111111111 8108 2222222222222222 00"
EIGHT = "3333333333333333"


def test_the_metadata_tells_the_algorithm():
    script = ScriptedCard(
        (METADATA, "010108 020200ff 9000"), (WITNESS_AES128, f"7c12 8010 {EIGHT * 2} 9000")
    )
    with script as card:
        found = management.open_management(card)
    assert found == ("AES128", bytes.fromhex(EIGHT * 2))


def test_without_metadata_each_algorithm_is_asked_for_a_witness():
    script = ScriptedCard(
        (METADATA, "6d00"), (WITNESS_AES192, "6a86"), (WITNESS_3DES, f"7c0a 8008 {EIGHT} 9000")
    )
    with script as card:
        assert management.open_management(card)[0] == "3DES"


def test_the_profile_says_which_algorithms_to_ask_for():
    script = ScriptedCard((METADATA, "6d00"), (WITNESS_3DES, "6a86"))
    with script as card, pytest.raises(Unsupported):
        management.open_management(card, candidates=("3DES",))


def test_a_refusal_that_is_no_answer_to_the_algorithm_ends_the_search():
    script = ScriptedCard((METADATA, "6d00"), (WITNESS_AES192, "6f00"))
    with script as card, pytest.raises(UnexpectedStatus):
        management.open_management(card)


def test_a_witness_of_the_wrong_size_is_malformed():
    script = ScriptedCard((METADATA, "010103 9000"), (WITNESS_3DES, "7c03 8001 33 9000"))
    with script as card, pytest.raises(MalformedAnswer):
        management.open_management(card)


def answer(card: ScriptedCard) -> bytes:
    return management.answer_management(card, "3DES", b"\x11" * 8, b"\x22" * 8)


def test_the_answer_has_two_tags_only_and_brings_the_cards_response():
    with ScriptedCard((ANSWER_3DES, f"7c0a 8208 {EIGHT} 9000")) as card:
        assert answer(card) == bytes.fromhex(EIGHT)


@pytest.mark.parametrize("sw", ["6982", "6a80", "6300"])
def test_a_wrong_management_key_is_told_in_several_ways(sw):
    with ScriptedCard((ANSWER_3DES, sw)) as card, pytest.raises(WrongManagementKey):
        answer(card)


def test_success_without_a_response_is_no_mutual_authentication():
    with ScriptedCard((ANSWER_3DES, "9000")) as card, pytest.raises(MalformedAnswer):
        answer(card)


def test_a_new_key_is_sent_with_its_algorithm_and_length():
    with ScriptedCard(("00 ff ff ff 13 08 9b 10" + "44" * 16, "9000")) as card:
        management.set_management_key(card, "AES128", b"\x44" * 16)


@pytest.mark.parametrize(("sw", "error"), [("6d00", Unsupported), ("6982", NotAuthenticated)])
def test_a_key_that_cannot_be_set_says_why(sw, error):
    script = ScriptedCard(("00 ff ff ff 13 08 9b 10" + "44" * 16, sw))
    with script as card, pytest.raises(error):
        management.set_management_key(card, "AES128", b"\x44" * 16)


def test_a_key_of_another_length_never_reaches_the_card():
    with ScriptedCard() as card, pytest.raises(ValueError, match="24 bytes"):
        management.set_management_key(card, "AES192", b"\x44" * 16)
