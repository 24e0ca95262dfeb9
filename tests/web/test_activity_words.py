"""What the audit log calls its events, and what it is called to the person they are about."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

import app as service
from app.card_operations.base import KINDS
from app.domain.statuses import Outcome

# About a PC, a text or the service: nobody's own
ABOUT_NOBODY = {
    "card.management-key-imported",
    "demonstration.seeded",
    "install-code.made",
    "install-code.withdrawn",
    "people.searched",
    "terms.published",
    "workstation.enrolled",
    "workstation.used",
}


def recorded() -> set[tuple[str, str]]:
    """The events that the service records, as its code names them, each with its outcome."""
    call = re.compile(r'record\(\s*"([a-z0-9.-]+)",\s*(?:outcome=)?Outcome\.(\w+)')
    found = set()
    for file in Path(str(service.__file__)).parent.rglob("*.py"):
        found |= {
            (name, Outcome[outcome].value) for name, outcome in call.findall(file.read_text())
        }
    refused = {(operation.event, "refused") for operation in KINDS.values()}
    return {(name, outcome) for name, outcome in found | refused if name not in ABOUT_NOBODY}


def test_the_events_are_found() -> None:
    assert {("sign-in", "done"), ("card.passcode-changed", "done")} <= recorded()


@pytest.mark.parametrize(("event", "outcome"), sorted(recorded()))
def test_every_event_about_a_person_has_words_of_its_own(
    app: Flask, event: str, outcome: str
) -> None:
    words = app.jinja_env.get_template("profile/event_words.html").module
    said = str(words.event_words(SimpleNamespace(event=event, outcome=outcome)))
    plain = event.replace(".", ": ").replace("-", " ").capitalize()
    assert said
    assert not said.startswith(plain)
