"""The forms of the wizard's steps, and what to say of what they refuse."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from wtforms import EmailField, Field, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than hints

from app.blueprints.forms import Form
from app.domain.errors import Invalid
from app.domain.security_questions import (
    CHOSEN,
    LONGEST,
    QUESTIONS,
    SHORTEST,
    AnswerProblem,
    AnswersRefused,
)
from app.domain.self_service import AddressProblem
from app.services.people import EmailProblem

KEPT = "Your answer is kept. Leave it empty to keep it"
ANSWERS = {
    AnswerProblem.QUESTION_MISSING: "Choose question {number}",
    AnswerProblem.QUESTION_UNKNOWN: "Choose question {number} from the list",
    AnswerProblem.QUESTION_TWICE: "Question {number} is the same as question {other}: "
    "choose a different one",
    AnswerProblem.MISSING: "Enter the answer to question {number}",
    AnswerProblem.TOO_SHORT: f"The answer to question {{number}} must have at least {SHORTEST} "
    "letters or digits",
    AnswerProblem.TOO_LONG: f"The answer to question {{number}} must be {LONGEST} characters "
    "or fewer",
    AnswerProblem.ONE_CHARACTER: "The answer to question {number} is one character repeated: "
    "give a different one",
    AnswerProblem.IN_QUESTION: "The answer to question {number} stands in the question itself: "
    "give a different one",
    AnswerProblem.SAME: "The answer to question {number} is the same as that to question {other}: "
    "give a different one",
}
EMAILS: dict[StrEnum, str] = {
    EmailProblem.MISSING: "Enter an email address",
    EmailProblem.INVALID: "Enter an email address in the correct format, like name@nhs.net",
    EmailProblem.LETTERS: "Email address must have no accented or special letters before the @: "
    "use another address",
    EmailProblem.TOO_LONG: "Email address must be 254 characters or fewer",
    AddressProblem.NOT_APPROVED: "Enter an address at an approved provider. It ends in {domains}",
    AddressProblem.SAME: "This is your registered email already. Enter a different one, or close",
}


def either(domains: Sequence[str]) -> str:
    """Write "a, b or c"."""
    *most, last = domains
    return f"{', '.join(most)} or {last}" if most else last


class QuestionsForm(Form):
    """Four questions out of the list, each with its answer. ``rows`` are the pairs of fields."""

    @property
    def rows(self) -> list[tuple[Field, Field]]:
        return [
            (self[f"question_{number}"], self[f"answer_{number}"])
            for number in range(1, CHOSEN + 1)
        ]

    def chosen(self) -> list[tuple[str, str]]:
        return [(question.data or "", answer.data or "") for question, answer in self.rows]

    def show_kept(self, questions: Sequence[str]) -> None:
        """Show which questions have an answer already; nothing was sent so far."""
        for (question, _), key in zip(self.rows, questions, strict=False):
            question.data = key

    def say_kept(self, questions: Iterable[str]) -> None:
        """Say beside each question that has an answer already that none need be typed."""
        for question, answer in self.rows:
            if question.data in set(questions):
                answer.description = KEPT

    def tell(self, refusal: AnswersRefused) -> None:
        for place, problem in sorted(refusal.problems.items()):
            question, answer = self.rows[place]
            field = question if problem.is_of_question else answer
            other = refusal.same_as.get(place, 0) + 1
            field.errors = [ANSWERS[problem].format(number=place + 1, other=other)]


for _number in range(1, CHOSEN + 1):
    setattr(
        QuestionsForm,
        f"question_{_number}",
        SelectField(
            f"Question {_number}",
            choices=[
                SelectChoice(key, words)
                for key, words in [("", "Select a question"), *QUESTIONS.items()]
            ],
            validate_choice=False,  # the domain says which there are
        ),
    )
    setattr(QuestionsForm, f"answer_{_number}", StringField(f"Answer to question {_number}"))


class RegisteredEmailForm(Form):
    email = EmailField("Email address")

    def say_approved(self, domains: Sequence[str]) -> None:
        """Say before anything is typed which addresses are taken."""
        self.email.description = f"It ends in {either(domains)}"

    def tell(self, refusal: Invalid, domains: Sequence[str]) -> None:
        problem = refusal.problems["email"]
        self.email.errors = [EMAILS[problem].format(domains=either(domains))]
