"""What is asked before a card is issued, repaired, cancelled, suspended or resumed."""

from enum import StrEnum
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than hints
from wtforms.validators import InputRequired, Length, Optional

from app.blueprints.forms import Form
from app.domain.cancelling import CancelReason
from app.domain.identity_check import DOCUMENTS, Document
from app.services.cards import NOTE_LENGTH, Missing

NOTE_TOO_LONG = f"It must be {NOTE_LENGTH} characters or fewer"

NOTE_PROBLEMS: dict[StrEnum, str] = {
    Missing.NOTE: "Enter why, in a few words",
    Missing.TOO_LONG: NOTE_TOO_LONG,
}

REASONS = {
    CancelReason.LOST: "Lost",
    CancelReason.STOLEN: "Stolen",
    CancelReason.DAMAGED: "Damaged",
    CancelReason.MISUSED: "Used by someone else",
    CancelReason.LEFT: "The holder has retired or left health care for good",
    CancelReason.OTHER: "Another reason",
}


def from_step(kind: type[Form], body: dict[str, Any]) -> Any:
    """Return a form filled from what a <card-step> sent; its token came as a header."""
    typed = {name: value for name, value in body.items() if isinstance(value, str)}
    return kind(formdata=MultiDict(typed), meta={"csrf": False})


class ReasonForm(Form):
    reason = RadioField(
        "Why is the card to be cancelled?",
        [InputRequired("Choose why the card is to be cancelled")],
        choices=[SelectChoice(reason.value, words) for reason, words in REASONS.items()],
    )


class CancelForm(ReasonForm):
    """The last question before a card is gone for good; ``reason`` was answered before."""

    note = TextAreaField(
        "What should be known about it?",
        [Optional(), Length(max=NOTE_LENGTH, message=NOTE_TOO_LONG)],
        description="Where, when, by whom; whoever looks into it later will read this",
    )
    replacement = BooleanField("Ask for a new card for the holder")


class LostForm(Form):
    """Why nobody can go on with a card that was begun."""

    reason = RadioField(
        "What has happened to the card?",
        [InputRequired("Choose what has happened to the card")],
        choices=[
            SelectChoice(CancelReason.LOST.value, "It is lost"),
            SelectChoice(CancelReason.STOLEN.value, "It was stolen"),
            SelectChoice(CancelReason.DAMAGED.value, "It is broken, or cannot be read any more"),
        ],
    )
    note = TextAreaField(
        "What should be known about it? (optional)",
        [Optional(), Length(max=NOTE_LENGTH, message=NOTE_TOO_LONG)],
    )


class SuspendForm(Form):
    note = TextAreaField(
        "Why is the card suspended?",
        [Length(max=NOTE_LENGTH, message=NOTE_TOO_LONG)],
        description="Whoever is asked to resume it will read this",
    )


class ResumeForm(Form):
    note = TextAreaField(
        "What has settled the reason? (optional)",
        [Optional(), Length(max=NOTE_LENGTH, message=NOTE_TOO_LONG)],
    )


class IdentityForm(Form):
    """Which documents the agent has seen. Nothing of what stands in them is kept."""

    photo = BooleanField("The photo that we hold shows the person who is with me")

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if not self.photo.data:
            self.photo.errors = ["Compare the photo with the person who is with you, and tick this"]
            valid = False
        if not self.seen():
            first = self[DOCUMENTS[0].value]
            first.errors = ["Choose which documents you have seen: at least one"]
            valid = False
        return bool(valid)

    def seen(self) -> list[Document]:
        return [document for document in DOCUMENTS if self[document.value].data]


_WORDS = {
    Document.PASSPORT: "Passport",
    Document.DRIVING_LICENCE: "Driving licence with photo",
    Document.RESIDENCE_PERMIT: "Biometric residence permit",
    Document.EMPLOYER_CARD: "Photo identity card of the employer",
    Document.OTHER: "Another document with a photo",
}
for _document in DOCUMENTS:
    setattr(IdentityForm, _document.value, BooleanField(_WORDS[_document]))
