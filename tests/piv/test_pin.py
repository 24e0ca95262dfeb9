import pytest

from reader_bridge.piv import pin
from reader_bridge.piv.errors import (
    NotAuthenticated,
    PinBlocked,
    PinRefused,
    UnexpectedStatus,
    Unsupported,
    WrongPin,
)
from tests.piv.scripted import ScriptedCard

VERIFY = "00 20 00 80 08  313233343536 ffff"
PROBE = "00 20 00 80"
CHANGE = "00 24 00 80 10  313233343536 ffff  363534333231 ffff"
CHANGE_PUK = "00 24 00 81 10  3132333435363738  3837363534333231"
UNBLOCK = "00 2c 00 80 10  3132333435363738  363534333231 ffff"
PASSCODE_METADATA = "00 f7 00 80 00"

ASKS = {
    VERIFY: lambda card: pin.verify(card, "123456"),
    CHANGE: lambda card: pin.change(card, pin.Reference.PASSCODE, "123456", "654321"),
    CHANGE_PUK: lambda card: pin.change(card, pin.Reference.PUK, "12345678", "87654321"),
    UNBLOCK: lambda card: pin.reset_retry_counter(card, puk="12345678", new_passcode="654321"),
}
every_proof = pytest.mark.parametrize("command", ASKS)


@every_proof
def test_a_secret_is_sent_padded_to_eight_bytes(command):
    with ScriptedCard((command, "9000")) as card:
        ASKS[command](card)


@every_proof
@pytest.mark.parametrize(("sw", "left"), [("63 c2", 2), ("63 c1", 1), ("63 cf", 15)])
def test_a_wrong_secret_tells_how_many_attempts_remain(command, sw, left):
    with ScriptedCard((command, sw)) as card, pytest.raises(WrongPin) as error:
        ASKS[command](card)
    assert error.value.attempts_remaining == left


@every_proof
@pytest.mark.parametrize("sw", ["63 c0", "69 83"])
def test_no_attempts_left_is_blocked_whichever_way_the_card_says_it(command, sw):
    with ScriptedCard((command, sw)) as card, pytest.raises(PinBlocked):
        ASKS[command](card)


@every_proof
@pytest.mark.parametrize("sw", ["6a 80", "67 00", "69 85"])
def test_the_cards_own_rule_is_told_apart_from_a_wrong_secret(command, sw):
    with ScriptedCard((command, sw)) as card, pytest.raises(PinRefused):
        ASKS[command](card)


@every_proof
@pytest.mark.parametrize(
    ("sw", "error"),
    [("69 82", NotAuthenticated), ("6d 00", Unsupported), ("6f 00", UnexpectedStatus)],
)
def test_any_other_refusal_keeps_its_status(command, sw, error):
    with ScriptedCard((command, sw)) as card, pytest.raises(error) as caught:
        ASKS[command](card)
    assert caught.value.sw == int(sw.replace(" ", ""), 16)


@pytest.mark.parametrize("passcode", ["", "123456789", "pässe", "١٢٣٤"])
def test_what_cannot_be_a_passcode_never_reaches_the_card(passcode):
    with ScriptedCard() as card, pytest.raises(PinRefused):
        pin.verify(card, passcode)


@pytest.mark.parametrize(("sw", "left"), [("63 c3", 3), ("63 c0", 0), ("69 83", 0)])
def test_asking_for_the_attempts_left_uses_none(sw, left):
    with ScriptedCard((PROBE, sw)) as card:
        assert pin.tries_left(card) == left


def test_a_card_with_the_passcode_verified_tells_its_attempts_by_metadata():
    with ScriptedCard((PROBE, "9000"), (PASSCODE_METADATA, "0602 0a07 9000")) as card:
        assert pin.tries_left(card) == 7


@pytest.mark.parametrize("answer", ["6d00", "9000", "0601 03 9000", "0609 9000"])
def test_attempts_that_the_card_does_not_tell_are_unknown(answer):
    with ScriptedCard(("00 f7 00 81 00", answer)) as card:
        assert pin.tries_left_by_metadata(card, pin.Reference.PUK) is None


def test_retry_counts_are_set_for_both():
    with ScriptedCard(("00 fa 03 0a", "9000")) as card:
        pin.set_retry_counts(card, passcode_tries=3, puk_tries=10)


def test_a_card_without_settable_retry_counts_says_unsupported():
    with ScriptedCard(("00 fa 03 0a", "6d00")) as card, pytest.raises(Unsupported):
        pin.set_retry_counts(card, passcode_tries=3, puk_tries=10)
