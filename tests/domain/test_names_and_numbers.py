"""Names as searches compare them; the numbers of people and cards; contact details."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.contact_details import (
    TelephoneProblem,
    mobile_problem,
    telephone_problem,
    telephone_shown,
    telephone_written,
)
from app.domain.identity import is_card_number, is_guid, is_uuid
from app.domain.names import folded


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("zoe", "Zoë"),
        ("OBRIEN", "O’Brien"),
        ("O'Brien", "O’Brien"),
        ("smith jones", "Smith-Jones"),
        ("Smith–Jones", "Smith-Jones"),
        ("SORENSEN", "Sørensen"),
        ("lukasiewicz", "Łukasiewicz"),
        ("strasse", "Straße"),
        ("nunez", "Núñez"),
        ("  de   la  cruz ", "de la Cruz"),
        ("İstanbul", "istanbul"),
        ("ﬁnch", "Finch"),
    ],
)
def test_a_search_finds_a_name_whatever_the_keyboard(typed, kept):
    assert folded(typed) == folded(kept)


@pytest.mark.parametrize(("one", "other"), [("Ann", "Anna"), ("Smithjones", "Smith Jones")])
def test_different_names_stay_different(one, other):
    assert folded(one) != folded(other)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(name):
    assert folded(folded(name)) == folded(name)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("500200300101", True),
        ("50020030010", False),
        ("5002003001011", False),
        ("000200300101", False),
        ("555555555555", False),
        ("50020030010a", False),
        ("５００２００３００１０１", False),  # full-width digits
        ("500200300101\n", False),
        ("", False),
    ],
)
def test_a_uuid_has_12_digits_and_begins_with_none_that_gets_lost(text, valid):
    assert is_uuid(text) is valid


def test_numbers_of_cards_and_guids_have_their_own_shape():
    assert is_card_number("000200300101")
    assert not is_card_number("00020030010")
    assert is_guid("ab" * 16)
    assert not is_guid("AB" * 16)
    assert not is_guid("0" * 32)
    assert not is_guid("ab" * 15)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("0113 496 0101", "01134960101"),
        ("(0113) 496-0101", "01134960101"),
        ("+44 (0)113 496 0101", "+441134960101"),
        ("0044 113 496 0101", "+441134960101"),
        ("0113 496 0101 ext. 45", "01134960101x45"),
        ("0113 496 0101 x45", "01134960101x45"),
        ("016977 2345", "0169772345"),
        ("4567", "4567"),
        ("+1 212 555 0123", "+12125550123"),
    ],
)
def test_a_telephone_number_is_taken_however_it_is_spaced(typed, written):
    assert telephone_problem(typed) is None
    assert telephone_written(typed) == written


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("call me", TelephoneProblem.CHARACTERS),
        ("0113 496 010l", TelephoneProblem.CHARACTERS),
        ("٠١١٣٤٩٦٠١٠١", TelephoneProblem.CHARACTERS),
        ("0113 496", TelephoneProblem.TOO_SHORT),
        ("12", TelephoneProblem.TOO_SHORT),
        ("+44 113 496 0", TelephoneProblem.TOO_SHORT),
        ("0113 496 01012", TelephoneProblem.TOO_LONG),
        ("123456789", TelephoneProblem.TOO_LONG),
        ("+1234567890123456", TelephoneProblem.TOO_LONG),
    ],
)
def test_what_is_no_telephone_number_says_why(typed, problem):
    assert telephone_problem(typed) is problem


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("07700 900101", None),
        ("+44 7700 900101", None),
        ("+1 212 555 0123", None),
        ("0113 496 0101", TelephoneProblem.NOT_MOBILE),
        ("4567", TelephoneProblem.NOT_MOBILE),
        ("07700", TelephoneProblem.TOO_SHORT),
    ],
)
def test_a_mobile_number_begins_as_mobile_numbers_do(typed, problem):
    assert mobile_problem(typed) is problem


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("01134960123", "0113 496 0123"),
        ("01514960123", "0151 496 0123"),
        ("02079460123", "020 7946 0123"),
        ("01632960123", "01632 960123"),
        ("0163296012", "01632 96012"),
        ("07700900123", "07700 900123"),
        ("03001234567", "0300 123 4567"),
        ("0800123456", "0800 123456"),
        ("+441134960123", "+44 113 496 0123"),
        ("02079460123x45", "020 7946 0123 ext. 45"),
        ("+33142685300", "+33142685300"),
        ("4711", "4711"),
        ("", ""),
    ],
)
def test_a_telephone_number_is_shown_as_it_is_written_in_the_united_kingdom(
    kept: str, shown: str
) -> None:
    assert telephone_shown(kept) == shown
    assert telephone_written(shown) == kept
