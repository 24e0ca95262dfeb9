"""The dashboard: the card in words, and what to do next."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session

from app.domain.roles import Role
from app.domain.self_service import Change
from app.extensions import db
from app.models import Person
from app.services.self_service_rows import new_draft
from tests.parts.clock import START, FrozenClock
from tests.parts.people import a_card, a_person, an_assignment, an_organisation
from tests.parts.self_service import registered
from tests.web.visits import signs_in

TODAY = START.date()


def dashboard(client: FlaskClient, days_left: int, **columns: object) -> str:
    card = a_card(a_person(), expires_on=TODAY + timedelta(days=days_left), **columns)
    signs_in(client, card)
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.usefixtures("db_session")
def test_a_card_outside_its_renewal_window_is_in_order_and_says_when_the_window_opens(
    client: FlaskClient,
) -> None:
    text = dashboard(client, 91)
    assert "is in order" in text
    assert "renewed from 24 November 2026" in text


@pytest.mark.usefixtures("db_session")
@pytest.mark.parametrize(
    ("days", "words"), [(90, "in 90 days"), (1, "in 1 day<"), (0, "expire today")]
)
def test_a_card_inside_the_window_says_how_long_it_is_good(
    client: FlaskClient, days: int, words: str
) -> None:
    text = dashboard(client, days)
    assert words in text
    assert "is in order" not in text


@pytest.mark.usefixtures("db_session")
def test_the_third_renewal_in_a_row_is_led_to_the_registration_authority(
    client: FlaskClient,
) -> None:
    text = dashboard(client, 20, self_renewals_in_row=2)
    assert "Every third renewal needs the Registration Authority" in text


@pytest.mark.usefixtures("db_session")
def test_an_expired_card_is_led_to_its_repair(client: FlaskClient) -> None:
    assert "repairs the card with you" in dashboard(client, -1)


@pytest.mark.usefixtures("db_session")
def test_the_header_says_who_acts_in_which_role_for_whom(client: FlaskClient) -> None:
    trust = an_organisation(code="RWH", name="Royal Wharf <Hospital>")
    person = a_person(organisation=trust)
    assignment = an_assignment(person, Role.RA_AGENT, organisation=trust)
    signs_in(client, a_card(person), assignment_id=assignment.id)
    text = client.get("/").text
    assert "RA Agent for Royal Wharf &lt;Hospital&gt; (RWH)" in text


@pytest.mark.usefixtures("db_session")
def test_without_a_position_one_acts_as_card_holder(client: FlaskClient) -> None:
    assert "Card holder" in dashboard(client, 400)


@pytest.mark.usefixtures("db_session")
def test_every_link_of_the_dashboard_leads_somewhere(client: FlaskClient) -> None:
    text = dashboard(client, 30)
    links = set(re.findall(r'<a [^>]*href="(/[^"#]*)"', text))
    assert {"/profile", "/terms", "/help"} <= links
    for link in links:
        assert client.get(link).status_code == 200, link


@pytest.mark.usefixtures("db_session")
def test_the_navigation_marks_the_page_on_screen(client: FlaskClient) -> None:
    text = dashboard(client, 400)
    assert text.count('aria-current="page"') == 1
    assert 'href="/" aria-current="page"' in " ".join(text.split())


@pytest.mark.parametrize(("mode", "asked"), [("questions-and-code", 4), ("code", 4), ("off", 3)])
def test_the_dashboard_of_a_holder_asks_the_database_a_few_times(
    app: Flask,
    mode: str,
    asked: int,
    client: FlaskClient,
    db_session: scoped_session[Session],
    count_queries: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    app.config["SELF_SERVICE_MODE"] = mode
    signs_in(client, a_card(a_person(), expires_on=TODAY))
    with count_queries() as queries:
        client.get("/")
    assert len([query for query in queries if query.startswith("SELECT")]) == asked


HINT = "Unlock your Smartcard yourself"
REGISTER = 'href="/profile/self-service/register"'


@pytest.mark.usefixtures("db_session")
@pytest.mark.parametrize("mode", ["questions-and-code", "code"])
def test_whoever_could_register_for_self_service_is_told_so_until_they_have(
    app: Flask, client: FlaskClient, mode: str
) -> None:
    app.config["SELF_SERVICE_MODE"] = mode
    card = a_card(a_person())
    person_id = card.person_id
    signs_in(client, card)
    text = client.get("/").text
    assert HINT in text
    assert REGISTER in text
    new_draft(person_id, Change.REGISTER, START)
    db.session.commit()
    assert "Continue your registration" in client.get("/").text
    registered(db.session.get_one(Person, person_id), START)
    assert HINT not in client.get("/").text


@pytest.mark.usefixtures("db_session")
def test_whoever_registered_without_questions_is_led_to_choosing_some(client: FlaskClient) -> None:
    card = a_card(a_person())
    assert card.person
    registered(card.person, START, questions_changed_at=None)
    signs_in(client, card)
    assert 'href="/profile/self-service/questions"' in client.get("/").text


@pytest.mark.usefixtures("db_session")
def test_where_registering_would_not_help_nobody_is_told_to(
    app: Flask, client: FlaskClient
) -> None:
    card = a_card(a_person())
    assert card.person
    row = registered(card.person, START, failed_attempts=3, blocked_at=START)
    row.registered_at = None
    db.session.commit()
    signs_in(client, card)
    assert HINT not in client.get("/").text
    app.config["SELF_SERVICE_MODE"] = "off"
    row = db.session.merge(row)
    row.failed_attempts, row.blocked_at = 0, None
    db.session.commit()
    assert HINT not in client.get("/").text


@pytest.mark.usefixtures("db_session")
def test_a_session_whose_time_is_over_shows_nothing(
    client: FlaskClient, clock: FrozenClock
) -> None:
    signs_in(client, a_card(a_person()))
    clock.advance(minutes=16)
    answer = client.get("/")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/signed-out?reason=")
    assert "My Smartcard" not in answer.text
    with client.session_transaction() as session:
        assert "token" not in session
