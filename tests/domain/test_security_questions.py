"""Answers: which are the same, and which are too weak to be kept."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.security_questions import (
    CHOSEN,
    LONGEST,
    QUESTIONS,
    AnswerProblem,
    AnswersRefused,
    check_answers,
    fold,
)
from app.services.demonstration.registrations import ANSWERS
from tests.parts.properties import TEXTS

Q = list(QUESTIONS)
GOOD = ["Mrs Patel", "Tunde", "Mr. Snuffles", "Pip-squeak"]


def four(*answers: str) -> list[tuple[str, str]]:
    """The first four questions, with these answers in front of good ones."""
    return list(zip(Q, [*answers, *GOOD[len(answers) :]], strict=False))


def refused(chosen: list[tuple[str, str]], kept: tuple[str, ...] = ()) -> dict[int, AnswerProblem]:
    with pytest.raises(AnswersRefused) as refusal:
        check_answers(chosen, kept)
    return refusal.value.problems


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        ("St. Zoë’s", "st zoes"),
        ("O'Brien", "OBRIEN"),
        ("O’Brien", "o\u02bcbrien"),
        ("Smith-Jones", " smith   jones "),
        ("Straße", "STRASSE"),
        ("Ærøskøbing", "aeroskobing"),
        ("ﬁsh & chips", "Fish, chips!"),
        ("Καλημέρα", "ΚΑΛΗΜΕΡΑ"),
        ("İzmir", "izmir"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("가나다", unicodedata.normalize("NFD", "가나다")),
        ("❤️ Rex", "rex"),
    ],
)
def test_what_people_mean_to_be_the_same_is_the_same(typed: str, also: str) -> None:
    assert fold(typed) == fold(also) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("कि", "कु"), ("กา", "กิ"), ("がく", "かく"), ("12 High St", "21 High St"), ("رضا", "رضى")],
)
def test_letters_digits_and_vowel_signs_of_every_script_make_a_difference(
    one: str, other: str
) -> None:
    assert fold(one) != fold(other)


@given(st.one_of(TEXTS, st.text(max_size=30)))
@example("\u0344\u034f\u0323a")
@example("ᾳ\u0345\u0301")
@example("\u0958\u093c")
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert fold(text.upper().lower()) == fold(fold(text.upper().lower()))


@given(st.text(max_size=20), st.sampled_from([" ", ".", "’", "-", "\u200d", "\u0301", ", "]))
def test_spaces_punctuation_and_accents_between_letters_say_nothing(text: str, noise: str) -> None:
    letters = [c for c in text if c.isascii()]
    assert fold(noise.join(letters)) == fold("".join(letters))


def test_there_are_twenty_questions_each_with_words_of_its_own() -> None:
    assert len(QUESTIONS) == 20
    assert len({fold(words) for words in QUESTIONS.values()}) == 20
    assert all(words.endswith("?") and len(words) <= 90 for words in QUESTIONS.values())
    assert all(len(key) <= 40 for key in QUESTIONS)


def test_four_different_good_answers_are_kept() -> None:
    check_answers(four())


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", AnswerProblem.MISSING),
        (" \t", AnswerProblem.MISSING),
        ("Al", AnswerProblem.TOO_SHORT),
        ("A.l!", AnswerProblem.TOO_SHORT),
        ("e\u0301e\u0301", AnswerProblem.TOO_SHORT),
        ("???", AnswerProblem.TOO_SHORT),
        ("Aáa", AnswerProblem.ONE_CHARACTER),
        ("teacher", AnswerProblem.IN_QUESTION),
        ("The FIRST teacher", AnswerProblem.IN_QUESTION),
        ("x" * LONGEST + "y", AnswerProblem.TOO_LONG),
    ],
)
def test_a_weak_answer_is_refused_at_its_place(answer: str, problem: AnswerProblem) -> None:
    assert refused(four(answer)) == {0: problem}


@pytest.mark.parametrize("answer", ["Ali", "teachers", "xy" * (LONGEST // 2), "112"])
def test_the_shortest_and_the_longest_answers_are_kept(answer: str) -> None:
    check_answers(four(answer))


def test_two_answers_that_are_the_same_folded_are_refused_and_both_places_are_named() -> None:
    with pytest.raises(AnswersRefused) as refusal:
        check_answers(four("St Mary’s", "Tunde", "ST. MARYS"))
    assert refusal.value.problems == {2: AnswerProblem.SAME}
    assert refusal.value.same_as == {2: 0}


def test_a_question_is_chosen_once_is_known_and_is_not_left_out() -> None:
    chosen = [(Q[0], "Mrs Patel"), (Q[0], "Mr Brown"), ("mothers-name", "Anna"), ("", "Rex")]
    assert refused(chosen) == {
        1: AnswerProblem.QUESTION_TWICE,
        2: AnswerProblem.QUESTION_UNKNOWN,
        3: AnswerProblem.QUESTION_MISSING,
    }
    assert refused(four()[:2]) == dict.fromkeys((2, 3), AnswerProblem.QUESTION_MISSING)
    with pytest.raises(ValueError, match="5 questions"):
        check_answers([*four(), (Q[4], "Superted")])


def test_nothing_has_to_be_typed_where_an_answer_is_kept_and_what_is_typed_is_judged() -> None:
    check_answers(four("", ""), kept=(Q[0], Q[1]))
    assert refused(four("", "Al", ""), kept=(Q[0], Q[1])) == {
        1: AnswerProblem.TOO_SHORT,
        2: AnswerProblem.MISSING,
    }


def test_a_refusal_carries_no_answer() -> None:
    with pytest.raises(AnswersRefused) as refusal:
        check_answers(four("secret place", "secretplace"))
    assert "secret" not in str(refusal.value) + repr(refusal.value)


@given(st.lists(st.tuples(st.one_of(st.sampled_from(Q), TEXTS), TEXTS), max_size=CHOSEN))
def test_whatever_is_sent_is_kept_or_refused(chosen: list[tuple[str, str]]) -> None:
    outcome: AnswersRefused | None = None
    try:
        check_answers(chosen)
    except AnswersRefused as refusal:
        outcome = refusal
    if outcome is not None:
        assert set(outcome.problems) <= set(range(CHOSEN))
        assert all(earlier < place for place, earlier in outcome.same_as.items())


@st.composite
def as_typed(draw: st.DrawFn, answer: str) -> str:
    """An answer as people type it on different days: capitals, accents, spaces, full stops."""
    noise = st.sampled_from(["", " ", ".", "-", "’", "\u0301", ", ", "\u00a0"])
    shouted = draw(st.sampled_from([str, str.upper, str.lower, str.title]))(answer)
    form = draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
    return "".join(draw(noise) + c for c in unicodedata.normalize(form, shouted)) + draw(noise)


@given(st.data(), st.sampled_from(sorted(ANSWERS)), st.sampled_from(sorted(ANSWERS)))
def test_however_it_is_typed_an_answer_of_the_demonstration_is_itself_and_no_other(
    data: st.DataObject, one: str, other: str
) -> None:
    typed = data.draw(as_typed(ANSWERS[one]))
    assert fold(typed) == fold(ANSWERS[one])
    assert (fold(typed) == fold(ANSWERS[other])) is (one == other)


def test_the_answers_of_the_demonstration_could_be_given_by_anybody() -> None:
    keys = sorted(QUESTIONS)
    assert sorted(ANSWERS) == keys
    for first in range(0, 20, CHOSEN):
        check_answers([(key, ANSWERS[key]) for key in keys[first : first + CHOSEN]])
