"""The form of the security questions that were drawn for somebody."""

from collections.abc import Sequence

from wtforms import Field, StringField

from app.blueprints.forms import Form
from app.domain.security_questions import LONGEST, QUESTIONS


class AnswersForm(Form):
    """One field for each question asked; which one is wrong is never said."""

    @classmethod
    def asking(cls, questions: Sequence[str], *, empty: bool = False) -> "AnswersForm":
        """A form with these questions, in this order; with what was sent, or ``empty``."""
        fields = {
            f"answer_{number}": StringField(QUESTIONS[key])
            for number, key in enumerate(questions, start=1)
        }
        kind = type("Asking", (cls,), fields)
        form: AnswersForm = kind(formdata=None) if empty else kind()
        return form

    @property
    def answers(self) -> list[Field]:
        return [self[name] for name in sorted(self._fields) if name.startswith("answer_")]

    def typed(self) -> list[str]:
        return [field.data or "" for field in self.answers]

    def complete(self) -> bool:
        """Whether each has an answer that can be judged. One that is missing is no guess."""
        valid = self.validate()
        for field in self.answers:
            if not field.data:
                field.errors = [f"Enter your answer: {field.label.text}"]
            elif len(field.data) > LONGEST:
                field.errors = [f"Your answer must be {LONGEST} characters or fewer"]
            else:
                continue
            valid = False
        return valid
