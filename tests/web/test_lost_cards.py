"""A card that is lost or broken half way: where its way on is offered, and who may go it."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.card_lifecycle import CardStatus
from app.domain.roles import Role
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import AuditEvent, Card, CardOperation, Organisation
from tests.parts.operations import an_operation
from tests.parts.people import a_card, a_person, an_organisation
from tests.web.test_manage_smartcard import (
    agent,
    authority,
    in_second_reader,
    pki_folder,
    posts,
    shows,
    signed_in_as,
    what,
)
from tests.web.visits import sends

pytestmark = pytest.mark.usefixtures("db_session", "authority")

__all__ = ["agent", "authority", "pki_folder"]

WORDS = "The card is lost or broken"


def begun(organisation: Organisation, kind: str = "issue") -> CardOperation:
    """A card that was begun for somebody, and stands still."""
    person = a_person(given_name="Grace", family_name="Hopper", organisation=organisation)
    row = an_operation(a_card(None), kind, "prepare", state=OperationState.WAITING)
    assert row.card is not None
    row.person_id = person.id
    row.facts = {"shown_guid": None, "emptying": kind == "erase"}
    if kind == "erase":
        row.card.status, row.card.person_id = CardStatus.CANCELLED, person.id
    db.session.commit()
    return row


def address(row: CardOperation, path: str = "/lost") -> str:
    assert row.person is not None
    return f"/people/{row.person.uuid}/cards/{row.card_id}{path}"


def the_card(card_id: int | None) -> Card:
    return db.session.get_one(Card, card_id, populate_existing=True)


@pytest.mark.parametrize("kind", ["issue", "erase"])
def test_the_way_on_stands_beside_continue(
    client: FlaskClient, agent: Organisation, kind: str
) -> None:
    row = begun(agent, kind)
    link = f'<a href="{address(row)}">{WORDS}'
    whose = address(row, "").partition("/cards")[0]
    own_page = f"{whose}/issue" if kind == "issue" else address(row, "/erase")
    for page in ("/", whose, own_page):
        assert link in client.get(page).text, page


def test_whoever_may_not_issue_cards_is_not_offered_it(client: FlaskClient) -> None:
    organisation = signed_in_as(client, Role.SPONSOR)
    row = begun(organisation)
    where = address(row)
    card_id = row.card_id
    assert WORDS not in client.get(where.partition("/cards")[0]).text
    assert WORDS not in client.get("/").text
    assert client.get(where).status_code == 403
    assert sends(client, where, reason="lost").status_code == 403
    assert the_card(card_id).status is CardStatus.BLANK


def test_a_person_of_another_organisation_is_not_found(
    client: FlaskClient, agent: Organisation
) -> None:
    row = begun(an_organisation())
    where, card_id = address(row), row.card_id
    assert client.get(where).status_code == 404
    assert sends(client, where, reason="lost").status_code == 404
    assert the_card(card_id).status is CardStatus.BLANK


def test_a_card_of_somebody_else_is_not_found(client: FlaskClient, agent: Organisation) -> None:
    first, second = begun(agent), begun(agent)
    assert second.person is not None
    where = f"/people/{second.person.uuid}/cards/{first.card_id}/lost"
    assert client.get(where).status_code == 404
    assert sends(client, where, reason="lost").status_code == 404


def test_without_its_token_nothing_is_given_up(client: FlaskClient, agent: Organisation) -> None:
    row = begun(agent)
    where, card_id = address(row), row.card_id
    assert client.post(where, data={"reason": "lost"}).status_code == 400
    assert the_card(card_id).status is CardStatus.BLANK


@pytest.mark.parametrize("reason", ["", "left", "nonsense"])
def test_a_reason_is_asked_for(client: FlaskClient, agent: Organisation, reason: str) -> None:
    row = begun(agent)
    where, card_id = address(row), row.card_id
    answer = sends(client, where, reason=reason)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert the_card(card_id).status is CardStatus.BLANK


def test_it_is_given_up_once_however_often_it_is_pressed(
    client: FlaskClient, agent: Organisation
) -> None:
    row = begun(agent)
    where, services, card_id = address(row), address(row, ""), row.card_id
    for _ in range(2):
        answer = sends(client, where, reason="damaged", note="Bent in two")
        assert (answer.status_code, answer.location) == (303, services)
    page = client.get(services).text
    assert "The card is given up, and cancelled" in page
    assert f'href="{services}/erase"' in page
    assert the_card(card_id).status is CardStatus.CANCELLED
    events = db.session.scalars(select(AuditEvent).filter_by(event="card.cancelled")).all()
    assert [(each.facts["reason"], each.facts["note"]) for each in events] == [
        ("damaged", "Bent in two")
    ]
    assert WORDS not in client.get("/").text
    assert client.get(where).status_code == 409


def test_a_card_that_turns_up_is_its_persons_cancelled_card(
    client: FlaskClient, agent: Organisation
) -> None:
    row = begun(agent)
    assert row.card is not None
    card = row.card
    assert "This card is being issued" in shows(client, card).text
    sends(client, address(row), reason="lost")
    shown = shows(client, card)
    assert what(shown) == "held"
    assert "being issued" not in shown.text
    assert "Grace Hopper" in shown.text
    assert f'href="{address(row, "/erase")}"' in shown.text


def test_a_lost_card_that_turns_up_empty_is_erased_further(
    client: FlaskClient, agent: Organisation
) -> None:
    row = begun(agent, "erase")
    empty = in_second_reader(guid=None, blank=True)
    where = address(row, "/erase/card")
    assert "Erase this card" in posts(client, where, empty).text
    sends(client, address(row), reason="lost")
    assert "Erase this card" in posts(client, where, empty).text


def test_an_empty_card_with_another_serial_number_is_not_erased_further(
    client: FlaskClient, agent: Organisation
) -> None:
    row = begun(agent, "erase")
    the_card(row.card_id).serial = "4711"
    db.session.commit()
    where = address(row, "/erase/card")
    other = posts(client, where, in_second_reader(guid=None, blank=True, serial="4712"))
    assert "This is another card" in other.text
    same = posts(client, where, in_second_reader(guid=None, blank=True, serial="4711"))
    assert "Erase this card" in same.text
