"""The one adapter between forms and the design system."""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any

import pytest
from flask import Flask, render_template_string
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from app.blueprints.forms import DateField, Form, errors_in, tell
from app.domain.errors import Invalid

SHOW = """{% from "components/form.html" import error_summary, field %}{{ error_summary(form) }}
{% for f in form %}{% if f.name != "csrf_token" %}{{ field(f) }}{% endif %}{% endfor %}"""


class Sample(Form):
    name = StringField("Name", description="As on the card", validators=[DataRequired("Say who")])
    born = DateField("Date of birth", validators=[InputRequired("Enter a date of birth")])
    reason = RadioField(
        "Reason",
        choices=[SelectChoice("lost", "Lost"), SelectChoice("broken", "Broken")],
        validators=[InputRequired("Why")],
    )
    colour = SelectField(
        "Colour", choices=[SelectChoice("", "Choose"), SelectChoice("blue", "Blue")]
    )
    notes = TextAreaField("Notes", validators=[Length(max=500, message="Shorter, please")])
    sure = BooleanField("I am sure")


GOOD = {
    "name": "  Grace ",
    "born-day": "27",
    "born-month": "3",
    "born-year": "1980",
    "reason": "lost",
    "colour": "blue",
    "notes": "two\nlines",
}


@pytest.fixture
def request_context(trial_app: Flask) -> Iterator[None]:
    with trial_app.test_request_context():
        yield


def sample(**changed: str) -> Sample:
    values: dict[str, Any] = {**GOOD, **changed}
    return Sample(MultiDict(values), meta={"csrf": False})


@pytest.mark.usefixtures("request_context")
class TestReading:
    def test_what_is_typed_is_trimmed(self) -> None:
        form = sample()
        assert form.validate(), form.errors
        assert form.name.data == "Grace"

    def test_a_date_is_three_inputs_under_one_name(self) -> None:
        assert sample().born.data == date(1980, 3, 27)

    @pytest.mark.parametrize(
        "typed",
        [
            {"born-day": "31", "born-month": "2"},
            {"born-year": "x"},
            {"born-year": ""},
            {"born-day": "-1"},
            {"born-year": "0"},
        ],
    )
    def test_a_date_that_does_not_exist_is_refused_and_kept_as_typed(
        self, typed: dict[str, str]
    ) -> None:
        form = sample(**typed)
        assert not form.validate()
        assert "must be a real date" in form.born.errors[0]
        for name, value in typed.items():
            assert form.born.values()[name.removeprefix("born-")] == value

    def test_a_date_left_out_is_asked_for_once(self) -> None:
        form = sample(**{"born-day": "", "born-month": "", "born-year": ""})
        assert not form.validate()
        assert list(form.born.errors) == ["Enter a date of birth"]

    @pytest.mark.parametrize("text", ["nul\x00", "bell\x07", "two\nlines"])
    def test_characters_that_nobody_types_are_refused(self, text: str) -> None:
        form = sample(name=text)
        assert not form.validate()
        assert "cannot be shown" in form.name.errors[0]

    def test_a_text_field_has_a_limit_even_where_nobody_gave_it_one(self) -> None:
        assert sample(name="x" * 200).validate()
        assert not sample(name="x" * 201).validate()
        assert sample(notes="x" * 500).validate()

    def test_a_rule_s_findings_are_put_at_their_fields(self) -> None:
        class Wrong(StrEnum):
            TAKEN = "taken"

        form = sample()
        tell(form, Invalid({"name": Wrong.TAKEN}), {Wrong.TAKEN: "{label} is taken"})
        assert form.name.errors == ["Name is taken"]
        assert errors_in(form)


@pytest.mark.usefixtures("request_context")
class TestShowing:
    def shown(self, form: Sample) -> str:
        return render_template_string(SHOW, form=form)

    def test_every_field_has_its_label_and_hint(self) -> None:
        text = self.shown(sample())
        for label in ("Name", "Date of birth", "Reason", "Colour", "Notes", "I am sure"):
            assert label in text
        assert 'aria-describedby="name-hint"' in text
        assert 'value="27"' in text

    def test_without_errors_there_is_no_summary(self) -> None:
        assert "There is a problem" not in self.shown(sample())

    def test_each_link_of_the_summary_leads_to_a_control(self) -> None:
        form = sample(name="", reason="", **{"born-day": "99"})
        assert not form.validate()
        text = self.shown(form)
        targets = re.findall(r'href="#([^"]+)"', text)
        assert targets == ["name", "born-day", "reason"]
        for target in targets:
            assert re.search(rf'<input[^>]*id="{target}"', text), target

    def test_no_two_elements_have_the_same_id(self) -> None:
        form = Sample(MultiDict(), meta={"csrf": False})
        form.validate()
        ids = re.findall(r'\sid="([^"]+)"', render_template_string(SHOW, form=form))
        assert len(ids) == len(set(ids))

    def test_what_was_typed_is_escaped(self) -> None:
        text = self.shown(sample(name='"><script>', notes="</textarea><script>"))
        assert "<script>" not in text
