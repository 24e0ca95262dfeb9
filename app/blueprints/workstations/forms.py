"""What is asked for when a PC is enrolled or blocked, and when an install code is made."""

from enum import StrEnum

from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from app.blueprints.forms import Form
from app.domain.install_codes import LONGEST_LABEL, MOST_USES, CodeProblem
from app.domain.workstations import WorkstationEvent

PROBLEMS: dict[StrEnum, str] = {
    CodeProblem.LABEL_MISSING: "Enter what the code is for",
    CodeProblem.LABEL_TOO_LONG: f"{{label}} must be {LONGEST_LABEL} characters or fewer",
    CodeProblem.USES: f"Enter how many PCs the code enrols, from 1 to {MOST_USES}",
}


class EnrolForm(Form):
    """The name is the PC's own until somebody gives it a better one."""

    name = StringField(
        "Name of this PC",
        [
            DataRequired("Enter a name for this PC"),
            Length(max=100, message="The name must be 100 characters or fewer"),
        ],
        description="It stays, whatever the PC calls itself later",
    )


class BlockForm(Form):
    reason = TextAreaField(
        "Why are you blocking this PC?",
        [
            DataRequired("Enter why you are blocking this PC"),
            Length(max=200, message="The reason must be 200 characters or fewer"),
        ],
        description="Whoever is asked about it later will read this",
    )


class UnblockForm(Form):
    """Nothing to fill in: the page asks whether it is meant."""


class CodeForm(Form):
    label = StringField(
        "What is it for?", description="A ward, a roll-out, the number of a service desk call"
    )
    uses = IntegerField("How many PCs may it enrol?", [Optional()], default=1)

    def validate(self, extra_validators: object = None) -> bool:
        """Read the fields; what is wrong with a number, the rules say in words of their own."""
        valid = super().validate(extra_validators)
        if self.uses.errors:
            self.uses.errors = [PROBLEMS[CodeProblem.USES]]
        return valid


DECISIONS: dict[WorkstationEvent, type[Form]] = {
    WorkstationEvent.ENROL: EnrolForm,
    WorkstationEvent.BLOCK: BlockForm,
    WorkstationEvent.UNBLOCK: UnblockForm,
}
