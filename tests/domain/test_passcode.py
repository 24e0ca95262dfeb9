"""What a passcode may be, as numbers and as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.passcode import LONGEST, SHORTEST, Alphabet, PasscodeRule, forbidden_numbers
from reader_bridge import contract


def test_a_passcode_has_4_to_8_characters():
    rule = PasscodeRule()
    assert (rule.min_length, rule.max_length, rule.alphabet) == (4, 8, Alphabet.ASCII)


@pytest.mark.parametrize(("shortest", "longest"), [(3, 8), (4, 9), (7, 6)])
def test_a_rule_wider_than_the_service_s_or_impossible_is_refused(shortest, longest):
    with pytest.raises(ValueError, match="passcode"):
        PasscodeRule(shortest, longest)


def test_a_make_of_card_narrows_the_rule():
    rule = PasscodeRule().narrowed(min_length=6, max_length=8, alphabet="digits")
    assert rule == PasscodeRule(6, 8, Alphabet.DIGITS)


@given(st.integers(0, 12), st.integers(0, 12), st.sampled_from(list(Alphabet)))
def test_no_make_of_card_widens_the_rule(shortest, longest, alphabet):
    try:
        rule = PasscodeRule().narrowed(min_length=shortest, max_length=longest, alphabet=alphabet)
    except ValueError:
        assert longest < SHORTEST or shortest > LONGEST or shortest > longest
    else:
        assert SHORTEST <= rule.min_length <= rule.max_length <= LONGEST
        assert rule.min_length >= shortest
        assert rule.max_length <= longest


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (PasscodeRule(), "4 to 8 letters, digits or symbols"),
        (PasscodeRule(6, 8, Alphabet.DIGITS), "6 to 8 digits"),
        (PasscodeRule(6, 6, Alphabet.DIGITS), "6 digits"),
    ],
)
def test_the_rule_is_told_before_a_person_types(rule, words):
    assert rule.words == words


def test_a_ticket_s_rule_names_the_numbers_that_everybody_can_read():
    facts = PasscodeRule(6, 8).as_facts("500200300101", "700200300101", None)
    assert facts == {
        "min_length": 6,
        "max_length": 8,
        "alphabet": "ascii",
        "not_in": ["500200300101", "700200300101"],
    }


def test_a_number_is_forbidden_once_and_only_where_a_passcode_fits_in():
    assert forbidden_numbers(["1234", "1234", " 1234 ", "123", "", None]) == ["1234"]


def test_the_alphabets_are_those_of_the_contract():
    assert {each.value for each in Alphabet} == {each.value for each in contract.Alphabet}
