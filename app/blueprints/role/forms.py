"""The form with the positions that a person holds today."""

from collections.abc import Sequence

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than hints

from app.blueprints.forms import Form
from app.models import Assignment


class RoleForm(Form):
    assignment = RadioField("Which role do you want to work in?", validate_choice=False, coerce=int)

    def offer(self, held: Sequence[Assignment]) -> None:
        """Fill in the choices, each with its organisation: two trusts may have the same role."""
        self.assignment.choices = [
            SelectChoice(str(each.id), f"{title(each)} for {place(each)}") for each in held
        ]


def title(held: Assignment) -> str:
    """Return what a position is called: its role, where it carries one."""
    role = held.position.role
    return role.label if role else held.position.name


def place(held: Assignment) -> str:
    organisation = held.position.organisation
    return f"{organisation.name} ({organisation.code})"
