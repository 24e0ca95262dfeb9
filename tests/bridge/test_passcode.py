"""The rule for a new passcode."""

import pytest

from reader_bridge.contract import Alphabet, PasscodeRefusal
from reader_bridge.passcode import MalformedRule, PasscodeRule

RULE = PasscodeRule(4, 8, Alphabet.ASCII, ("512345678905", "AB0012cd"))
DIGITS = PasscodeRule(6, 8, Alphabet.DIGITS)


@pytest.mark.parametrize("passcode", ["Kx7!", "Blue42!x", "1243", "aab1", '!"#%', "~~~}"])
def test_a_passcode_within_the_rule_may_be_chosen(passcode):
    assert RULE.refusal(passcode, current="Old7!") is None


@pytest.mark.parametrize(
    ("passcode", "why"),
    [
        ("", PasscodeRefusal.TOO_SHORT),
        ("Kx7", PasscodeRefusal.TOO_SHORT),
        ("Kx7!Kx7!K", PasscodeRefusal.TOO_LONG),
        ("Kx 7", PasscodeRefusal.CHARACTERS),
        ("Kx7£", PasscodeRefusal.CHARACTERS),
        ("Kx7\x7f", PasscodeRefusal.CHARACTERS),
        ("Kx7é", PasscodeRefusal.CHARACTERS),
        ("7777", PasscodeRefusal.ALL_THE_SAME),
        ("aAaA", PasscodeRefusal.ALL_THE_SAME),
        ("1234", PasscodeRefusal.RUN),
        ("98765432", PasscodeRefusal.RUN),
        ("abcd", PasscodeRefusal.RUN),
        ("dCbA", PasscodeRefusal.RUN),
        ("3456789", PasscodeRefusal.RUN),
        ("5678905", PasscodeRefusal.YOUR_NUMBER),
        ("5123", PasscodeRefusal.YOUR_NUMBER),
        ("b0012C", PasscodeRefusal.YOUR_NUMBER),
        ("Old7!", PasscodeRefusal.NOT_NEW),
    ],
)
def test_a_passcode_outside_the_rule_is_refused_with_the_reason(passcode, why):
    assert RULE.refusal(passcode, current="Old7!") is why


@pytest.mark.parametrize("passcode", ["12345a", "１２４３５６"])
def test_a_card_of_digits_takes_the_ten_digits_only(passcode):
    assert DIGITS.refusal(passcode) is PasscodeRefusal.CHARACTERS


def test_both_ends_of_the_length_are_allowed():
    assert DIGITS.refusal("849205") is None
    assert DIGITS.refusal("84920517") is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "rule",
        {"min_length": 0, "max_length": 8, "alphabet": "ascii"},
        {"min_length": 6, "max_length": 4, "alphabet": "ascii"},
        {"min_length": 4, "max_length": 9, "alphabet": "ascii"},
        {"min_length": 4, "max_length": 8, "alphabet": "runes"},
        {"min_length": "x", "max_length": 8, "alphabet": "ascii"},
        {"min_length": 4, "max_length": 8, "alphabet": "ascii", "not_in": [7]},
        {"min_length": 4, "max_length": 8, "alphabet": "ascii", "not_in": 7},
    ],
)
def test_a_rule_that_cannot_be_read_allows_nothing(value):
    with pytest.raises(MalformedRule):
        PasscodeRule.from_ticket(value)
