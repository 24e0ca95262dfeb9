"""Somebody's self-service as agents see it: on the person's page, with their card, on the
dashboard; lifting a block and ending a registration.
"""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.roles import Role
from app.domain.security_questions import QUESTIONS
from app.extensions import db
from app.models import Card, SelfService
from app.words import masked_email
from tests.parts.people import a_card, a_person
from tests.parts.registered import blocked, registered
from tests.web.test_people import a_holder, an_agent, events
from tests.web.visits import sends, what_is_told

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def card(client: FlaskClient) -> Card:
    """The card of somebody who is registered, and whom the agent signed in reaches."""
    card = a_holder(an_agent(client))
    assert card.person
    blocked(card.person)
    return card


def address(card: Card, page: str = "") -> str:
    assert card.person
    return f"/people/{card.person.uuid}{page}"


def section(page: str) -> str:
    found = re.search(r'<section aria-labelledby="self-service">.*?</section>', page, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def row() -> SelfService:
    db.session.expire_all()
    return db.session.scalars(select(SelfService)).one()


@pytest.mark.parametrize("where", ["person", "card"])
def test_the_state_is_shown_without_the_address_and_what_was_answered(
    client: FlaskClient, card: Card, where: str
) -> None:
    page = client.get(address(card, "" if where == "person" else f"/cards/{card.id}")).text
    said = section(page)
    assert "Since 23 November 2026 at 9:30am" in said
    assert "a•••@ward.nhs.uk" in said
    assert "ada@ward.nhs.uk" not in page
    assert "Failed attempts 3 of 3" in said
    assert f'href="{address(card)}/self-service/lift"' in page
    assert f'href="{address(card)}/self-service/end"' in page
    for question in QUESTIONS:
        assert question not in said
        assert QUESTIONS[question] not in said


@pytest.mark.parametrize("role", [Role.SPONSOR, Role.LOCAL_ADMINISTRATOR, Role.ID_CHECKER])
def test_other_roles_see_it_and_are_told_which_role_it_needs(
    client: FlaskClient, role: Role
) -> None:
    card = a_holder(an_agent(client, role))
    assert card.person
    blocked(card.person)
    page = client.get(address(card)).text
    assert section(page).count("Needs the role RA Agent.") == 2
    assert "/self-service/" not in page
    for action in ("lift", "end"):
        asked = client.get(address(card, f"/self-service/{action}"))
        sent = sends(client, address(card, f"/self-service/{action}"), reason="why not")
        assert (asked.status_code, sent.status_code) == (403, 403)
        assert "Needs the role RA Agent." in asked.text
    assert row().blocked_at is not None
    assert "Self-service blocked" not in client.get("/").text


def test_about_oneself_nothing_is_offered(client: FlaskClient) -> None:
    an_agent(client)
    own = db.session.scalars(select(Card)).one().person
    assert own
    blocked(own)
    assert "ask another agent" in section(client.get(f"/people/{own.uuid}").text)
    assert "ask another agent" in client.get(f"/people/{own.uuid}/self-service/lift").text
    assert sends(client, f"/people/{own.uuid}/self-service/end", reason="x").status_code == 403


def test_a_block_is_lifted_with_a_reason_and_the_page_says_so(
    client: FlaskClient, card: Card
) -> None:
    asked = client.get(address(card, "/self-service/lift")).text
    assert "after 3 failed attempts" in asked
    answer = sends(client, address(card, "/self-service/lift"), reason="Knows the ward’s number")
    assert answer.location == address(card)
    page = client.get(address(card)).text
    assert "The block is lifted" in page
    assert "not blocked for this person" in section(page)
    assert events("self-service.block-lifted")[0].facts["reason"] == "Knows the ward’s number"
    again = sends(client, address(card, "/self-service/lift"), reason="Once more")
    assert again.status_code == 409
    assert "Lift the block is not possible" in again.text


def test_a_registration_is_ended_with_a_reason_and_the_page_says_so(
    client: FlaskClient, card: Card
) -> None:
    assert "The block stays" in client.get(address(card, "/self-service/end")).text
    answer = sends(client, address(card, "/self-service/end"), reason="Left the ward’s mailbox")
    assert answer.location == address(card)
    page = client.get(address(card)).text
    assert "The registration has ended" in page
    assert "not registered for self-service" in section(page)
    assert client.get(address(card, "/self-service/end")).status_code == 409


@pytest.mark.parametrize("action", ["lift", "end"])
@pytest.mark.parametrize(
    ("reason", "said"), [("  ", "Enter why, in a few words"), ("x" * 501, "500 characters")]
)
def test_without_a_reason_it_is_asked_for_again(
    client: FlaskClient, card: Card, action: str, reason: str, said: str
) -> None:
    answer = sends(client, address(card, f"/self-service/{action}"), reason=reason)
    assert answer.status_code == 422
    assert said in answer.text
    assert row().blocked_at is not None


@pytest.mark.parametrize("action", ["lift", "end"])
def test_whoever_is_out_of_reach_is_not_found(client: FlaskClient, action: str) -> None:
    an_agent(client)
    stranger = a_card(a_person())
    assert stranger.person
    blocked(stranger.person)
    assert client.get(address(stranger, f"/self-service/{action}")).status_code == 404
    sent = sends(client, address(stranger, f"/self-service/{action}"), reason="x")
    assert sent.status_code == 404


def test_the_dashboard_leads_agents_to_whoever_is_blocked(client: FlaskClient, card: Card) -> None:
    dashboard = client.get("/").text
    assert f'href="{address(card)}#self-service"' in dashboard
    sends(client, address(card, "/self-service/lift"), reason="Called back")
    assert "Self-service blocked" not in client.get("/").text


@pytest.mark.parametrize(
    ("mode", "said"),
    [("off", "Self-service is switched off"), ("questions-and-code", "once they have chosen some")],
)
def test_what_the_mode_means_for_a_person_is_said(
    app, client: FlaskClient, mode: str, said: str
) -> None:
    app.config["SELF_SERVICE_MODE"] = mode
    card = a_holder(an_agent(client))
    assert card.person
    registered(card.person, questions_changed_at=None)
    assert said in section(client.get(address(card)).text)


@pytest.mark.parametrize("mode", ["code", "off"])
def test_agents_are_told_of_no_questions_where_none_are_asked_and_promised_nothing_where_it_is_off(
    app, client: FlaskClient, mode: str
) -> None:
    app.config["SELF_SERVICE_MODE"] = mode
    card = a_holder(an_agent(client))
    assert card.person
    blocked(card.person, questions_changed_at=None)
    lift, end = "/self-service/lift", "/self-service/end"
    said = section(client.get(address(card)).text)
    said += client.get(address(card, lift)).text + client.get(address(card, end)).text
    for action in (lift, end):
        sends(client, address(card, action), reason="Called back")
        said += what_is_told(client.get(address(card)).text)
    assert "answers" not in said
    assert "question" not in said
    for promise in ("They can register again", "They can use self-service again", "until they"):
        assert (promise in said) is (mode == "code"), promise


@pytest.mark.parametrize(
    ("whole", "hidden"),
    [("ada@nhs.net", "a•••@nhs.net"), ("a@b@nhs.uk", "a•••@nhs.uk"), ("", ""), (None, "")],
)
def test_an_address_is_hidden_so_that_its_owner_knows_it(whole: str | None, hidden: str) -> None:
    assert masked_email(whole) == hidden
