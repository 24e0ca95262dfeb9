"""The search box, and what to say of what cannot be searched for."""

from enum import StrEnum

from wtforms import StringField

from app.blueprints.forms import Form
from app.domain.person_search import SearchProblem

PROBLEMS: dict[StrEnum, str] = {
    SearchProblem.MISSING: "Enter a name, a NINO or a UUID",
    SearchProblem.TOO_LONG: "Enter fewer words: the given and family name are enough",
    SearchProblem.NOT_12_DIGITS: "A UUID has 12 digits, like 5002 0030 0107",
    SearchProblem.NINO_ENDING: "A NINO ends with a letter from A to D, like QQ 12 34 56 C",
}


class SearchForm(Form):
    """One box for everything: what is typed shows what it is."""

    search = StringField(
        "Given and family name, NINO or UUID",
        description="The first letters of names are enough, in any order",
    )
