"""From WTForms to the design system: one adapter for every form.

A template writes ``{{ field(form.email, width=20) }}`` (components/form.html); labels, hints,
errors, choices, dates and the summary of errors come from the form.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from flask import Flask, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, fields
from wtforms.validators import Length, ValidationError

from app.domain.errors import Invalid

LONGEST = 200  # characters of a field that does not say its own limit
MULTILINE = frozenset("\n\r\t")
KINDS: tuple[tuple[type[Field], str], ...] = (
    (fields.TextAreaField, "textarea"),
    (fields.RadioField, "radios"),
    (fields.SelectMultipleField, "checkboxes"),
    (fields.SelectField, "select"),
    (fields.BooleanField, "checkbox"),
    (fields.FileField, "file"),
)


def readable(form: FlaskForm, field: Field) -> None:
    """Refuse what nobody types: control characters, and text longer than any field needs."""
    text = field.data
    if not isinstance(text, str):
        return
    allowed = MULTILINE if isinstance(field, fields.TextAreaField) else frozenset()
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in allowed for c in text):
        raise ValidationError(f"{field.label.text} has characters that cannot be shown")
    limited = any(isinstance(validator, Length) for validator in field.validators)
    if not limited and len(text) > LONGEST:
        raise ValidationError(f"{field.label.text} must be {LONGEST} characters or fewer")


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no type hints
    """The base of all forms: trims what is typed, and limits every text field."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # as above
        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
            filters = list(unbound_field.kwargs.get("filters", ()))
            kind = unbound_field.field_class
            if issubclass(kind, fields.StringField) and kind is not fields.PasswordField:
                filters.append(lambda text: text.strip() if isinstance(text, str) else text)
            field: Field = unbound_field.bind(form=form, filters=filters, **options)
            return field

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Take what a form sends, not JSON: it has numbers and lists in the place of text."""
            if request.is_json and not isinstance(formdata, MultiDict):
                return None
            return super().wrap_formdata(form, formdata)

    def validate(self, extra_validators: Any = None) -> bool:
        extra = dict(extra_validators or {})
        for field in self:
            extra[field.short_name] = [*extra.get(field.short_name, ()), readable]
        return bool(super().validate(extra))


class DateField(Field):
    """A day, typed as day, month and year: three inputs under one name."""

    PARTS = ("day", "month", "year")

    def __init__(self, label: str | None = None, validators: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.typed: dict[str, str] = {}

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(None, *args, **kwargs)
        if formdata is None:
            return
        self.typed = {part: formdata.get(f"{self.name}-{part}", "").strip() for part in self.PARTS}
        self.raw_data = [value for value in self.typed.values() if value]
        if not self.raw_data:
            self.data = None
            return
        try:
            self.data = date(*(int(self.typed[part][:4]) for part in reversed(self.PARTS)))
        except ValueError:
            self.data = None
            self.process_errors = [f"{self.label.text} must be a real date, like 27 3 2027"]

    def values(self) -> dict[str, str]:
        """Return what the three inputs show."""
        if self.typed or self.data is None:
            return self.typed
        return {part: str(getattr(self.data, part)) for part in self.PARTS}


def tell(form: FlaskForm, refusal: Invalid, words: Mapping[StrEnum, str]) -> None:
    """Put what the rules found wrong at the fields it concerns, in the words of the form.

    ``{label}`` in the words is the field's, ``{example}`` what its ``render_kw`` has.
    """
    for name, problem in refusal.problems.items():
        field = form[name]
        facts = {"label": field.label.text, **(field.render_kw or {})}
        field.errors = [*field.errors, words[problem].format(**facts)]


def kind_of(field: Field) -> str:
    """Return which component shows ``field``."""
    if isinstance(field, DateField):
        return "date"
    return next((kind for cls, kind in KINDS if isinstance(field, cls)), "input")


def first_control(field: Field) -> str:
    """Return the id of the element that a link from the summary leads to."""
    return f"{field.id}-day" if isinstance(field, DateField) else field.id


def choices_of(field: Any) -> list[dict[str, Any]]:
    """Return the choices as the design system wants them; the first carries the field's id."""
    items: list[dict[str, Any]] = []
    for choice in field.iter_choices():
        value, label, selected = choice[:3]
        item = {"value": value, "text": label, "checked": selected, "selected": selected}
        item["id"] = field.id if not items else f"{field.id}-{len(items) + 1}"
        items.append(item)
    return items


def problems(form: FlaskForm | None) -> Iterator[dict[str, str]]:
    """Return the summary of a form's errors: words, and where they lead."""
    for field in form or ():
        for error in field.errors[:1]:
            yield {"text": error, "href": f"#{first_control(field)}"}
    for error in form.form_errors if form else ():
        yield {"text": error}


def errors_in(form: FlaskForm | None) -> bool:
    """Say whether a page shows a form that was not accepted."""
    return bool(form) and any(True for _ in problems(form))


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(
        choices_of=choices_of, errors_in=errors_in, kind_of=kind_of, problems=problems
    )
