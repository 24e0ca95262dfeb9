"""Where DEMONSTRATION is off, nothing of the demonstration is served or made."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models import Person

pytestmark = pytest.mark.usefixtures("db_session")


def test_every_address_of_the_demonstration_is_not_found(app: Flask, client: FlaskClient) -> None:
    addresses = [
        (rule.rule.replace("<name>", "grace-adeyemi"), rule.methods or set())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("demo.")
    ]
    assert addresses
    app.config["WTF_CSRF_ENABLED"] = False
    for address, methods in addresses:
        for method in methods - {"OPTIONS", "HEAD"}:
            answer = client.open(address, method=method, json={} if method == "POST" else None)
            assert answer.status_code == 404, address


def test_the_sign_in_page_says_nothing_of_card_desk_and_mail(client: FlaskClient) -> None:
    page = client.get("/sign-in").text
    assert "card desk" not in page
    assert "/demo/" not in page


@pytest.mark.parametrize("command", ["people", "cards"])
def test_no_invented_people_and_cards_are_made(app: Flask, command: str) -> None:
    answer = app.test_cli_runner().invoke(args=["demonstration", command])
    assert answer.exit_code == 1
    assert "DEMONSTRATION is off" in answer.output
    assert db.session.query(Person).count() == 0
