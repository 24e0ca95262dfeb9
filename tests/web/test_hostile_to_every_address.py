"""Every address that takes something takes hostile forms and bodies, whoever is signed in.

What each of them must not change is told by tests of its own; here nobody is forgotten.
"""

import itertools
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import FlaskForm
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule

import app.blueprints
from app.card_operations.office import Office
from app.domain.roles import Role
from app.extensions import db
from app.models import Card
from app.pki.authority import BuiltInAuthority
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment
from tests.parts.properties import NUMBERS, TEXTS, VALUES, as_json
from tests.parts.workstations import a_workstation
from tests.web.visits import page_token, signs_in

pytestmark = pytest.mark.both_databases

addresses = itertools.count(1)  # each request from elsewhere: how many may come is limited

# What the pages' scripts send
SENT_BY_SCRIPTS = (
    "hello", "enrolment", "sid", "seat", "card", "cards", "guid", "step", "results", "receipt",
    "error", "certificates", "months",
)  # fmt: skip


# A failure is told as it is found: each example asks every address, too many to make it smaller
QUICKLY = settings(
    max_examples=max(5, settings().max_examples // 8), phases=[Phase.explicit, Phase.generate]
)


def names_of_fields() -> list[str]:
    """The fields of every form of the service."""
    names = {"csrf_token"}
    for module in pkgutil.walk_packages(app.blueprints.__path__, "app.blueprints."):
        for each in vars(import_module(module.name)).values():
            if isinstance(each, type) and issubclass(each, FlaskForm):
                names |= {name for name in dir(each) if hasattr(getattr(each, name), "field_class")}
    return sorted(names)


FIELDS = names_of_fields()
TYPED = TEXTS.map(lambda text: text.encode("utf-8", "replace").decode())
FORMS = st.dictionaries(
    st.one_of(st.sampled_from(FIELDS), TYPED),
    st.one_of(TYPED, st.integers().map(str), st.sampled_from(["on", "1", "2026-01-01"])),
    max_size=8,
)
BODIES = st.dictionaries(
    st.sampled_from([*FIELDS, *SENT_BY_SCRIPTS]), st.one_of(VALUES, st.just(1)), max_size=8
)
IN_ADDRESSES = st.one_of(TYPED.filter(lambda text: "/" not in text), NUMBERS.map(str))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("authority") / "pki"
    BuiltInAuthority.create(folder, b"of the tests", now=START)
    return str(folder)


@pytest.fixture(autouse=True)
def office(app: Flask, authority: str) -> None:
    app.config.update(PKI_FOLDER=authority, ISSUER_PASSPHRASE="of the tests")
    app.extensions["card_office"] = Office(app.config)


@pytest.fixture
def manager(db_session: Any) -> tuple[Card, int, dict[str, list[str]]]:
    """An RA Manager's card and position, and what there is: numbers and names of real rows."""
    person, other = a_person(), a_person()
    assignment, card, theirs = an_assignment(person, Role.RA_MANAGER), a_card(person), a_card(other)
    pc = a_workstation()
    real = {
        "int": [str(row) for row in (card.id, theirs.id, pc.id, assignment.id)],
        "text": [person.uuid, other.uuid, card.guid],
    }
    return card, assignment.id, real


def changing(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or set()))


@pytest.fixture
def posts(
    app: Flask, client: FlaskClient, manager: tuple[Card, int, dict[str, list[str]]]
) -> Callable[..., None]:
    card, assignment, real = manager

    def send(put: str, number: int, **what: Any) -> None:
        for rule in changing(app):
            signs_in(client, db.session.merge(card), assignment_id=assignment)
            address = rule.rule
            for name, converter in rule._converters.items():
                kind = "int" if getattr(converter, "num_convert", None) is int else "text"
                value = real[kind][number % len(real[kind])] if number else quote(put, safe="")
                converted = f"<{kind}:{name}>" if f"<{kind}:{name}>" in address else f"<{name}>"
                address = address.replace(converted, value)
            answer = client.post(
                address,
                **what,
                headers={"X-CSRFToken": page_token(client)},
                environ_base={"REMOTE_ADDR": str(IPv4Address(0x0A000000 + next(addresses)))},
            )
            assert answer.status_code < 500, f"{address}: {answer.text}"
            assert "<script>alert(1)" not in answer.text, address
            db.session.remove()

    return send


def test_the_fields_of_the_forms_are_found():
    assert {"email", "reason", "assignment", "label"} <= set(FIELDS)


@given(form=FORMS, put=IN_ADDRESSES, number=st.integers(0, 4))
@QUICKLY
def test_a_hostile_form_is_answered_everywhere(posts, form, put, number):
    posts(put, number, data=form)


@given(body=BODIES, put=IN_ADDRESSES, number=st.integers(0, 4))
@QUICKLY
def test_a_hostile_body_is_answered_everywhere(posts, body, put, number):
    posts(put, number, data=as_json(body).encode(), content_type="application/json")
