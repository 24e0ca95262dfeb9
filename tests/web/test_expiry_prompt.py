"""The page between signing in and the dashboard while certificates end soon."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.parts.clock import START
from tests.parts.people import a_card, a_person
from tests.web.visits import signs_in

pytestmark = pytest.mark.usefixtures("db_session")


def prompt(client: FlaskClient, days_left: int, **columns: object) -> TestResponse:
    expires_on = START.date() + timedelta(days=days_left)
    signs_in(client, a_card(a_person(), expires_on=expires_on, **columns))
    return client.get("/expiry")


@pytest.mark.parametrize(
    ("days_left", "words"),
    [(90, "expire in 90 days"), (23, "expire in 23 days"), (1, "in 1 day<"), (0, "expire today")],
)
def test_inside_the_window_it_says_how_long_until_when_and_what_to_do(
    client: FlaskClient, days_left: int, words: str
) -> None:
    answer = prompt(client, days_left)
    assert answer.status_code == 200
    assert words in answer.text.split("<h1")[1]
    assert "You can renew them yourself now" in answer.text
    assert "/renew" in answer.text.partition(">Renew now<")[0].rpartition("<a ")[2]


def test_later_is_a_link_to_the_dashboard_that_needs_no_script(client: FlaskClient) -> None:
    later = prompt(client, 23).text.partition(">Later<")[0].rpartition("<a ")[2]
    assert 'href="/"' in later


@pytest.mark.parametrize("days_left", [91, -1])
def test_outside_the_window_it_leads_to_the_dashboard(client: FlaskClient, days_left: int) -> None:
    answer = prompt(client, days_left)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"


def test_the_third_renewal_in_a_row_says_why_the_registration_authority_is_needed(
    client: FlaskClient,
) -> None:
    text = prompt(client, 23, self_renewals_in_row=2).text
    assert "Every third renewal needs the Registration Authority" in text
    assert "ask for the RA to renew them with you" in text
    assert "0113\u00a0496\u00a00700" in text
    assert "Renew now" not in text


def test_nobody_sees_it_without_signing_in(client: FlaskClient) -> None:
    assert client.get("/expiry").status_code == 303
