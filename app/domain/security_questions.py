"""Security questions: which there are, how answers are compared, and which answers are too weak.

An answer is compared folded, so that whoever types "St. Zoë’s" today and "st zoes" in two years is
the same person. Questions ask for what stays, is remembered, is in no public record, and hurts
nobody; rows keep a question's key, and a translation has other words for the same keys.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum

from app.domain.errors import RuleBroken

CHOSEN = 4  # out of the list, by everybody who registers
SHORTEST, LONGEST = 3, 100  # characters: of an answer folded, and as it is typed
FEWEST_ASKED, MOST_ASKED, USUALLY_ASKED = 2, CHOSEN, 3

QUESTIONS: Mapping[str, str] = {
    "first-teacher": "What was the name of the first teacher you remember?",
    "childhood-friend": "What was the first name of the friend you played with most as a child?",
    "childhood-toy": "What did you call your favourite toy as a small child?",
    "childhood-nickname": "What did your family call you when you were small?",
    "childhood-hero": "Who was your hero when you were ten?",
    "childhood-ambition": "What did you want to be when you were ten?",
    "childhood-book": "Which book was read to you most often as a child?",
    "childhood-song": "Which song was sung to you as a child?",
    "childhood-game": "Which game did your family play most often?",
    "childhood-dislike": "Which food did you refuse to eat as a child?",
    "hiding-place": "Where was your favourite place to hide as a child?",
    "lost-thing": "Which lost thing from your childhood do you still miss?",
    "neighbours": "What was the surname of the neighbours you remember best from your childhood?",
    "best-holiday": "To which place did you go on the holiday you remember best as a child?",
    "first-film": "Which film did you first see in a cinema?",
    "first-concert": "Whom did you see at the first concert you went to?",
    "first-record": "Which album or single did you first buy?",
    "first-dish": "Which dish did you first learn to cook?",
    "first-vehicle": "What was the make and colour of the first vehicle you drove or rode?",
    "first-workplace": "In which street was the place where you first earned money?",
}

# Letters that no decomposition takes apart, as people without them on the keyboard type them
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
)
# Marks that accent a letter of any script; all others (vowel signs) make another word
_ACCENTS = (
    (0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
)  # fmt: skip
# Marks that nobody sees: they choose between two pictures of one character
_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
# Letters by name and apostrophes by looks (U+02BC is what some keyboards put in O’Brien)
_LOOK_LIKE_PUNCTUATION = ((0x02B9, 0x02DF),)
_DROPPED = (*_ACCENTS, *_SELECTORS, *_LOOK_LIKE_PUNCTUATION)


class AnswerProblem(StrEnum):
    QUESTION_MISSING = "question-missing"
    QUESTION_UNKNOWN = "question-unknown"
    QUESTION_TWICE = "question-twice"
    MISSING = "answer-missing"
    TOO_SHORT = "answer-too-short"
    TOO_LONG = "answer-too-long"
    ONE_CHARACTER = "answer-one-character"
    IN_QUESTION = "answer-in-question"
    SAME = "answer-same"

    @property
    def is_of_question(self) -> bool:
        """Whether the choice is to be changed, rather than what was typed."""
        return self.value.startswith("question-")


class AnswersRefused(RuleBroken):
    """Questions or answers that cannot be kept. Carries no answer.

    ``problems`` maps a place (0 is the first of the four) to what is wrong there; ``same_as`` maps
    a place whose question or answer is another's, too, to that earlier place.
    """

    reason = "answers-refused"

    def __init__(
        self,
        problems: Mapping[int, AnswerProblem],
        same_as: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__(problems=dict(problems))
        self.problems = dict(problems)
        self.same_as = dict(same_as or {})


def fold(answer: str) -> str:
    """Return an answer without case, accents, punctuation and spaces; what is folded stays so.

    Letters, digits and vowel signs of every script stay.
    """
    while (folded := _folded_once(answer)) != answer:
        answer = folded
    return answer


def _folded_once(text: str) -> str:
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    kept = "".join(filter(_stays, unicodedata.normalize("NFKD", text)))
    return unicodedata.normalize("NFKD", kept)


def _stays(character: str) -> bool:
    if unicodedata.category(character)[0] not in "LNM":
        return False
    code = ord(character)
    return not any(first <= code <= last for first, last in _DROPPED)


def check_answers(
    chosen: Sequence[tuple[str, str]],
    kept: Collection[str] = (),
    questions: Mapping[str, str] = QUESTIONS,
) -> None:
    """Make sure that four questions and their answers can be kept.

    ``chosen`` are pairs of a question's key and what was typed, in the order of the page; fewer
    than four count as left empty. ``kept`` are the keys of questions whose answers are kept
    already: nothing has to be typed for those.

    Raises:
        AnswersRefused: says what is wrong at each place.
    """
    problems: dict[int, AnswerProblem] = {}
    same_as: dict[int, int] = {}
    asked: dict[str, int] = {}
    given: dict[str, int] = {}
    places = [*chosen, *([("", "")] * (CHOSEN - len(chosen)))]
    for place, (question, answer) in enumerate(places):
        problem = _question_problem(question, questions)
        if problem is None and question in asked:
            problem, same_as[place] = AnswerProblem.QUESTION_TWICE, asked[question]
        asked.setdefault(question, place)
        if problem is None and not (question in kept and not answer.strip()):
            problem = _answer_problem(answer, questions[question])
            folded = fold(answer) if problem is not AnswerProblem.TOO_LONG else ""
            if problem is None and folded in given:
                problem, same_as[place] = AnswerProblem.SAME, given[folded]
            given.setdefault(folded, place)
        if problem is not None:
            problems[place] = problem
    if problems:
        raise AnswersRefused(problems, same_as)
    if len(places) > CHOSEN:
        raise ValueError(f"{len(places)} questions, where {CHOSEN} are chosen")


def _question_problem(question: str, questions: Mapping[str, str]) -> AnswerProblem | None:
    if not question:
        return AnswerProblem.QUESTION_MISSING
    return None if question in questions else AnswerProblem.QUESTION_UNKNOWN


def _answer_problem(answer: str, question: str) -> AnswerProblem | None:
    if not answer.strip():
        return AnswerProblem.MISSING
    if len(answer) > LONGEST:
        return AnswerProblem.TOO_LONG
    folded = fold(answer)
    if len(unicodedata.normalize("NFC", folded)) < SHORTEST:
        return AnswerProblem.TOO_SHORT
    if len(set(folded)) == 1:
        return AnswerProblem.ONE_CHARACTER
    return AnswerProblem.IN_QUESTION if folded in set(_pieces(question)) else None


def _pieces(question: str) -> Iterator[str]:
    """Every word of a question, and every run of its words, folded."""
    words = [fold(word) for word in question.split()]
    for first in range(len(words)):
        for last in range(first, len(words)):
            yield "".join(words[first : last + 1])
