import pytest

from reader_bridge.piv import profiles
from reader_bridge.piv.card import PivCard
from reader_bridge.piv.errors import MalformedAnswer, NotAPivCard, TooLarge, Unsupported
from reader_bridge.piv.management import ALGORITHMS
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS
from reader_bridge.virtual.state import CardState
from tests.piv.scripted import ScriptedCard

SELECT = "00 a4 04 00 0b a000000308000010000100 00"
SELECT_SHORT = "00 a4 04 00 05 a000000308 00"
SERIAL = "00 f8 00 00 00"
GET_CHUID = "00 cb 3f ff 05 5c03 5fc102 00"


def test_the_application_is_selected_by_its_whole_identifier():
    with ScriptedCard((SELECT, "6100 9000")) as script:
        assert PivCard(script).select() == bytes.fromhex("6100")


def test_a_card_that_wants_the_short_identifier_gets_it():
    with ScriptedCard((SELECT, "6a82"), (SELECT_SHORT, "9000")) as script:
        PivCard(script).select()


def test_a_card_without_the_application_is_not_a_piv_card():
    script = ScriptedCard((SELECT, "6a82"), (SELECT_SHORT, "6a82"))
    with script, pytest.raises(NotAPivCard):
        PivCard(script).select()


@pytest.mark.parametrize(
    ("answer", "serial"),
    [
        ("00000001 9000", "1"),
        ("ffffffff 9000", "4294967295"),  # unsigned
        ("9000", None),
        ("6d00", None),
        ("6982", None),
    ],
)
def test_a_serial_is_a_number_or_nothing(answer, serial):
    with ScriptedCard((SERIAL, answer)) as script:
        assert PivCard(script).serial() == serial


@pytest.mark.parametrize("answer", ["6a82", "5300 9000", "5302 3400 9000"])
def test_a_card_without_a_readable_chuid_is_blank(answer):
    with ScriptedCard((GET_CHUID, answer)) as script:
        assert PivCard(script).read_chuid() is None


def test_an_object_too_large_for_the_card_is_never_sent():
    with ScriptedCard() as script, pytest.raises(TooLarge):
        PivCard(script, profiles.STANDARD).write_object(0x5FC102, bytes(2997))


def test_a_certificate_too_large_for_the_card_is_never_sent():
    with ScriptedCard() as script, pytest.raises(TooLarge) as error:
        PivCard(script, profiles.STANDARD).write_certificate("9a", bytes(2996))
    assert error.value.largest == 2996


def test_half_a_certificate_is_malformed_and_not_none():
    whole = ScriptedCard(("00 cb 3f ff 05 5c03 5fc105 00", "5303 700530 9000"))
    with whole, pytest.raises(MalformedAnswer):
        PivCard(whole).read_certificate("9a")


def test_what_the_profile_says_the_card_cannot_do_is_not_tried():
    profile = profiles.CardProfile(
        name="poor", title="Poor card", manufacturer="Nobody",
        rule=profiles.PasscodeRule(6, 8, "digits"),
        factory_passcodes=(), factory_puks=(), factory_keys=(),
        retry_counts_settable=False, management_key_settable=False, resettable=False,
    )  # fmt: skip
    with ScriptedCard() as script:
        card = PivCard(script, profile)
        for refused in (
            lambda: card.set_retry_counts(3, 10),
            lambda: card.set_management_key("AES128", bytes(16)),
            card.reset,
        ):
            with pytest.raises(Unsupported):
                refused()


def test_a_profile_is_recognised_by_the_atr():
    digits = VirtualCard(CardState.blank(BEHAVIOURS["digits-63c0"]))
    letters = VirtualCard(CardState.blank(BEHAVIOURS["default"]))
    assert profiles.recognise(digits.atr) is profiles.VIRTUAL_DIGITS
    assert profiles.recognise(letters.atr) is profiles.VIRTUAL_ASCII
    yubikey = bytes.fromhex("3bfd1300008131fe158073c021c057597562694b657940")
    assert profiles.recognise(yubikey) is profiles.YUBIKEY_5


def test_an_unknown_card_is_a_standard_one():
    with ScriptedCard((SELECT, "9000")) as script:
        card = PivCard(script, atr=bytes.fromhex("3b00"))
        card.select()
        assert card.profile is profiles.STANDARD


def test_every_factory_key_is_as_long_as_its_algorithm_wants():
    for profile in profiles.PROFILES:
        for factory in profile.factory_keys:
            assert len(factory.key) == ALGORITHMS[factory.algorithm].key
            assert factory.key.hex() not in repr(factory)
