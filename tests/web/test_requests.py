"""Requests on pages: the list of those that wait, the person's page, and the dashboard."""

import re

import pytest
from flask.testing import FlaskClient

from app.domain.roles import Role
from app.extensions import db
from app.models import Organisation, Person, Request
from app.services import requests
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment, an_organisation
from tests.web.visits import signs_in

pytestmark = pytest.mark.usefixtures("db_session")

RA = {Role.RA_MANAGER, Role.ADVANCED_RA_AGENT, Role.RA_AGENT}


def an_agent(client: FlaskClient, role: Role | None = Role.RA_AGENT) -> Organisation:
    person = a_person(given_name="Agnes", family_name="Agent")
    organisation = person.organisation
    assignment = an_assignment(person, role)
    signs_in(client, a_card(person), assignment_id=assignment.id)
    return db.session.merge(organisation)


def a_request(organisation: Organisation, **columns: object) -> Request:
    person = a_person(**{"organisation": organisation, **columns})
    card = a_card(person, status="cancelled")
    request = requests.file_card_request(person, card=card, reason="lost", by=None, now=START)
    db.session.commit()
    return request


@pytest.mark.parametrize("role", [None, *Role])
def test_those_who_may_act_see_what_waits_and_nobody_else(
    client: FlaskClient, role: Role | None
) -> None:
    a_request(an_agent(client, role))
    page, dashboard = client.get("/requests"), client.get("/").text
    if role in RA:
        assert "New Smartcard: the old one is lost" in page.text
        assert re.search(r'href="/requests".*?1</span> request waits', dashboard, re.S)
    else:
        assert page.status_code == 403
        assert 'href="/requests"' not in dashboard


def test_a_request_leads_to_its_person(client: FlaskClient) -> None:
    request = a_request(an_agent(client), given_name="Grace", family_name="Hopper")
    assert request.subject
    assert f'href="/people/{request.subject.uuid}">Grace Hopper' in client.get("/requests").text


def test_a_request_out_of_reach_is_not_listed(client: FlaskClient) -> None:
    an_agent(client)
    a_request(an_organisation())
    assert "No request is waiting" in client.get("/requests").text
    assert "0</span> requests wait" in client.get("/").text


def test_a_request_of_ones_own_is_marked(client: FlaskClient) -> None:
    organisation = an_agent(client)
    agnes = db.session.query(Person).filter_by(given_name="Agnes").one()
    a_request(organisation).filed_by_id = agnes.id
    db.session.commit()
    assert "another agent acts on it" in client.get("/requests").text


def test_a_list_goes_on_after_25(client: FlaskClient) -> None:
    organisation = an_agent(client)
    for _ in range(26):
        a_request(organisation)
    first = client.get("/requests").text
    assert first.count('href="/people/') == 25
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    assert client.get(following[1]).text.count('href="/people/') == 1


@pytest.mark.parametrize("after", ["0", "-1", "x", "99999999999999", "\0"])
def test_a_page_that_begins_nowhere_is_answered(client: FlaskClient, after: str) -> None:
    a_request(an_agent(client))
    assert client.get("/requests", query_string={"after": after}).status_code == 200


def test_a_persons_page_lists_what_was_asked_about_them(client: FlaskClient) -> None:
    request = a_request(an_agent(client))
    assert request.subject
    page = client.get(f"/people/{request.subject.uuid}").text
    assert "New Smartcard: the old one is lost" in page
    assert "Submitted" in page


def test_the_dashboard_of_an_agent_has_the_search_box_and_that_of_a_holder_has_not(
    client: FlaskClient,
) -> None:
    an_agent(client, Role.SPONSOR)
    assert "Given and family name, NINO or UUID" in client.get("/").text
    an_agent(client, None)
    assert "Given and family name, NINO or UUID" not in client.get("/").text


def test_the_help_panels_are_on_every_dashboard(client: FlaskClient) -> None:
    for role in (None, Role.RA_AGENT):
        an_agent(client, role)
        page = client.get("/").text
        assert "Unable to log in?" in page
        assert "see the information you need?" in page
