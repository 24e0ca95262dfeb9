"""Every address of the service: who may use it, and that no form is accepted without its token."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.blueprints.permissions import OPEN_TO_ALL, permission_of
from app.domain.roles import Permission
from app.extensions import csrf
from tests.parts.states import STATES, WITHOUT_A_PAGE

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def rules(app: Flask, methods: set[str]) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if (rule.methods or set()) & methods)


def address(app: Flask, rule: Rule) -> str:
    """Return an address that leads to ``rule``, with something in the place of each variable."""
    with app.test_request_context():
        values: dict[str, object] = {}
        for name, converter in rule._converters.items():
            is_number = getattr(converter, "num_convert", None) is int
            values[name] = 1 if is_number else "something"
        return str(rule.build(values)[1])  # type: ignore[index]


def test_every_address_says_who_may_use_it(app: Flask) -> None:
    unmarked = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not (
            permission_of(app, rule.endpoint) == OPEN_TO_ALL
            or permission_of(app, rule.endpoint) in set(Permission)
        )
    ]
    assert unmarked == []


def test_every_page_is_in_the_table_of_states(app: Flask) -> None:
    shown = {state.endpoint for state in STATES}
    pages = {rule.endpoint for rule in rules(app, {"GET"})}
    assert pages - shown - set(WITHOUT_A_PAGE) == set(), "these pages have no row"
    assert (shown | set(WITHOUT_A_PAGE)) - pages == set(), "these rows have no page"


def test_no_view_is_excused_from_the_token() -> None:
    assert not csrf._exempt_views
    assert not csrf._exempt_blueprints


@pytest.mark.parametrize("kind", ["form", "json"])
def test_without_its_token_nothing_is_accepted(app: Flask, client: FlaskClient, kind: str) -> None:
    accepted = {}
    for rule in rules(app, CHANGING):
        for method in (rule.methods or set()) & CHANGING:
            sent = {"json": {"sid": "x"}} if kind == "json" else {"data": {"reason": "x"}}
            answer = client.open(address(app, rule), method=method, **sent)
            if answer.status_code not in (400, 401):
                accepted[f"{method} {rule.rule}"] = answer.status
    assert accepted == {}


def test_what_only_reads_is_never_sent_with_a_changing_method(app: Flask) -> None:
    both = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) & CHANGING and "GET" in (rule.methods or set())
    ]
    assert both == []
