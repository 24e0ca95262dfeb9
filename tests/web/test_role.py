"""*Change* in the header: acting in another of one's positions."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session

from app.domain.roles import Role
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment, an_organisation
from tests.web.visits import sends, signs_in


@pytest.fixture
def positions(client: FlaskClient, db_session: scoped_session[Session]) -> tuple[int, int]:
    """A person signed in as RA Agent, who is Sponsor elsewhere, and was RA Manager once."""
    person = a_person()
    agent = an_assignment(person, Role.RA_AGENT, organisation=an_organisation(name="North <Trust>"))
    sponsor = an_assignment(person, Role.SPONSOR, organisation=an_organisation(name="South Trust"))
    an_assignment(person, Role.RA_MANAGER, end=START.date().replace(year=2025))
    numbers = agent.id, sponsor.id
    signs_in(client, a_card(person), assignment_id=agent.id)
    return numbers


def test_the_header_leads_to_the_positions_of_today_the_present_one_chosen(
    client: FlaskClient, positions: tuple[int, int]
) -> None:
    assert 'href="/role"' in client.get("/").text
    text = client.get("/role").text
    assert "RA Agent for North &lt;Trust&gt;" in text
    assert "Sponsor for South Trust" in text
    assert "RA Manager" not in text
    chosen = re.findall(r'<input[^>]*value="(\d+)"[^>]*checked', text)
    assert chosen == [str(positions[0])]


def test_another_role_is_taken_on_at_once_without_signing_out(
    client: FlaskClient, positions: tuple[int, int]
) -> None:
    answer = sends(client, "/role", assignment=str(positions[1]))
    assert answer.status_code == 303
    assert "Sponsor for South Trust" in client.get("/").text


@pytest.mark.parametrize("assignment", ["", "0", "x", "999999", "-1"])
def test_what_is_not_a_position_of_today_is_asked_for_again(
    client: FlaskClient, positions: tuple[int, int], assignment: str
) -> None:
    answer = sends(client, "/role", assignment=assignment)
    assert answer.status_code == 422
    assert "Choose the role that you want to work in" in answer.text
    assert "<title>Error: Change role" in answer.text
    assert re.search(r'<a href="#assignment"', answer.text)
    assert 'id="assignment"' in answer.text
    assert "RA Agent for North" in client.get("/").text


def test_somebody_else_s_position_cannot_be_taken(
    client: FlaskClient, positions: tuple[int, int]
) -> None:
    theirs = an_assignment(a_person(), Role.RA_MANAGER).id
    assert sends(client, "/role", assignment=str(theirs)).status_code == 422


def test_with_one_position_there_is_nothing_to_choose_and_the_page_says_whom_to_ask(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    person = a_person()
    held = an_assignment(person, Role.SPONSOR)
    signs_in(client, a_card(person), assignment_id=held.id)
    text = client.get("/role").text
    assert "You hold one position today" in text
    assert "contact your local Registration Authority" in text
