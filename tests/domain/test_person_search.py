"""What is typed into the search box, and whom it asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.domain.names import folded
from app.domain.person_search import (
    LONGEST,
    ByName,
    ByNino,
    ByUuid,
    NameStart,
    SearchProblem,
    name_starts,
    sought,
)

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=5)


@pytest.mark.parametrize("typed", ["500200300107", " 5002 0030 0107 ", "5002\t00300107"])
def test_twelve_digits_are_a_uuid_however_they_are_grouped(typed):
    assert sought(typed) == ByUuid("500200300107")


@pytest.mark.parametrize("typed", ["QQ123456C", "qq 12 34 56 c"])
def test_a_nino_is_known_by_its_shape(typed):
    assert sought(typed) == ByNino("QQ123456C")


def test_a_nino_is_never_printed():
    assert "123456" not in repr(sought("QQ123456C"))


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", SearchProblem.MISSING),
        ("  - ' . ", SearchProblem.MISSING),
        ("5002003", SearchProblem.NOT_12_DIGITS),
        ("5002003001071", SearchProblem.NOT_12_DIGITS),
        ("QQ 12 34 56", SearchProblem.NINO_ENDING),
        ("a " * 9, SearchProblem.TOO_LONG),
        ("a" * (LONGEST + 1), SearchProblem.TOO_LONG),
    ],
)
def test_what_asks_for_nobody_says_why(typed, problem):
    with pytest.raises(Invalid) as error:
        sought(typed)
    assert error.value.problems == {"search": problem}


def test_one_word_begins_either_name():
    assert sought("Ada") == ByName((NameStart("", "ada"), NameStart("ada", "")))


def test_two_words_are_given_and_family_name_in_either_order_or_one_name_of_two_words():
    found = sought("Ada Lovelace")
    assert isinstance(found, ByName)
    assert set(found.starts) == {
        NameStart("ada", "lovelace"),
        NameStart("lovelace", "ada"),
        NameStart("", "ada lovelace"),
        NameStart("ada lovelace", ""),
    }


@given(WORDS)
def test_the_order_of_the_two_names_does_not_matter(words):
    for cut in range(len(words) + 1):
        turned = words[cut:] + words[:cut]
        start = NameStart(" ".join(words[:cut]), " ".join(words[cut:]))
        assert start in name_starts(words)
        assert start in name_starts(turned)


@given(WORDS)
def test_no_reading_of_the_words_comes_twice(words):
    starts = name_starts(words)
    assert len(set(starts)) == len(starts) <= 2 * len(words) + 2


@given(st.text(max_size=LONGEST))
def test_whatever_is_typed_asks_for_somebody_or_says_why_not(typed):
    try:
        found = sought(typed)
    except Invalid:
        return
    if isinstance(found, ByName):
        assert found.starts
        for start in found.starts:
            assert start.given or start.family
            assert (folded(start.given), folded(start.family)) == (start.given, start.family)
            assert "\0" not in start.given + start.family
