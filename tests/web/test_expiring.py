"""The list of what expires, and what the dashboard of an RA manager says of mail."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.domain.roles import Role
from app.extensions import db
from app.services import outbox
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment
from tests.web.visits import signs_in

pytestmark = pytest.mark.usefixtures("db_session")


def signs_in_as(client: FlaskClient, role: Role | None) -> None:
    person = a_person(given_name="Amara", family_name="Okafor")
    assignment = an_assignment(person, role) if role else None
    for days in range(30):
        a_card(a_person(organisation=person.organisation), expires_on=after(days))
    card = a_card(person, expires_on=after(20), self_renewals_in_row=2)
    signs_in(client, card, assignment_id=assignment.id if assignment else None)


def after(days: int) -> object:
    return START.date() + timedelta(days=days)


def test_an_agent_sees_who_renews_and_goes_from_page_to_page(client: FlaskClient) -> None:
    signs_in_as(client, Role.RA_AGENT)
    first = client.get("/reports/expiring?within=30").text
    assert "The holder, or an agent" in first
    assert "An agent: the third renewal" in first
    further = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(further).text
    assert second.count("<tr role") == 1 + 6  # the titles, and what is left of 31
    assert "First page" in second
    assert "Next page" not in second


@pytest.mark.parametrize("within", ["", "8", "x", "-1", "90000"])
def test_a_span_that_is_not_offered_is_the_usual_one(client: FlaskClient, within: str) -> None:
    signs_in_as(client, Role.SPONSOR)
    assert "Expire within 30 days" in client.get(f"/reports/expiring?within={within}").text


def test_a_card_holder_sees_neither_the_list_nor_a_link_to_it(client: FlaskClient) -> None:
    signs_in_as(client, None)
    assert client.get("/reports/expiring").status_code == 403
    assert "/reports/expiring" not in client.get("/").text


@pytest.mark.parametrize(("role", "told"), [(Role.RA_MANAGER, True), (Role.RA_AGENT, False)])
def test_an_ra_manager_is_told_on_the_dashboard_that_mail_fails(
    client: FlaskClient, role: Role, told: bool
) -> None:
    message = outbox.queue("a@b.nhs.uk", "contact-details-changed", now=START, name="A", fields=[])
    message.failed_at = START
    db.session.commit()
    signs_in_as(client, role)
    text = client.get("/").text
    assert ("Mail is not being delivered" in text) is told
    assert ("1 message was given up" in text) is told
    assert "a@b.nhs.uk" not in text
