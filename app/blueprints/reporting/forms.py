"""What is asked of a holder who reports their card."""

from typing import Any

from wtforms import BooleanField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than hints
from wtforms.validators import InputRequired, Length

from app.blueprints.forms import Form
from app.services.cards import NOTE_LENGTH, Report

ENOUGH = Length(max=NOTE_LENGTH, message=f"What you say must be {NOTE_LENGTH} characters or fewer")
NAMES = {
    Report.LOST: "It is lost",
    Report.STOLEN: "It was stolen",
    Report.DAMAGED: "It is damaged",
    Report.MISUSED: "Somebody else has used it",
}
NOT_HERE = frozenset({Report.LOST, Report.STOLEN})  # nobody has these in the reader


class WhatForm(Form):
    """What has happened. A card that is in the reader is neither lost nor stolen."""

    what = RadioField(
        "What has happened to this card?",
        [InputRequired("Choose what has happened to this card")],
    )

    def __init__(self, *, in_use: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.what.choices = [
            SelectChoice(what.value, name)
            for what, name in NAMES.items()
            if not (in_use and what in NOT_HERE)
        ]


class CancelForm(Form):
    """Lost, stolen or damaged: the card is cancelled for good."""

    note = TextAreaField(
        "What happened? (optional)",
        [ENOUGH],
        description="The Registration Authority (RA) will read this. Write nothing about patients",
    )
    replacement = BooleanField("I need a new card", default=True)


class MisuseForm(Form):
    """Used by someone else: who is told will read this."""

    note = TextAreaField(
        "What happened, and when? (optional)",
        [ENOUGH],
        description="The Registration Authority (RA) and your line manager will read this. "
        "Write nothing about patients",
    )
