"""What stopped half way is told where people look, with the way to go on."""

import pytest
from flask.testing import FlaskClient

from app.domain.roles import Role
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card
from tests.parts.operations import an_operation
from tests.parts.people import a_card, a_person, an_assignment
from tests.web.visits import signs_in

pytestmark = pytest.mark.usefixtures("db_session")

PLACES = ("/", "/profile")


def stopped(card: Card, kind: str, step: str) -> None:
    an_operation(card, kind, step, state=OperationState.WAITING)


@pytest.fixture
def card() -> Card:
    return a_card(a_person(given_name="Grace", family_name="Adeyemi"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("kind", "step", "words", "address"),
    [
        ("renew", "first", "Continue<", "/renew"),
        ("change-passcode", "confirm", "Put right<", "/passcode"),
    ],
)
def test_a_holder_goes_on_with_what_they_can_do_themselves(
    client: FlaskClient, card: Card, place: str, kind: str, step: str, words: str, address: str
) -> None:
    stopped(card, kind, step)
    number = card.id
    signs_in(client, card)
    text = client.get(place).text
    assert "stopped half way" in text
    assert words in text
    assert f'href="/profile/cards/{number}{address}"' in text


@pytest.mark.parametrize(("kind", "step"), [("repair", "keys"), ("unlock", "unlock")])
def test_a_holder_is_sent_to_the_registration_authority_for_the_rest(
    client: FlaskClient, card: Card, kind: str, step: str
) -> None:
    stopped(card, kind, step)
    signs_in(client, card)
    text = client.get("/profile").text
    assert "Take the card to your Registration Authority" in text


def test_a_holder_hears_of_a_new_card_that_is_not_finished(client: FlaskClient, card: Card) -> None:
    new = a_card(None)
    operation = an_operation(new, "issue", "prepare", state=OperationState.WAITING)
    operation.person_id = card.person_id
    db.session.commit()
    signs_in(client, card)
    assert "is not finished" in client.get("/profile").text


def test_where_nothing_stopped_nothing_is_said(client: FlaskClient, card: Card) -> None:
    signs_in(client, card)
    for place in PLACES:
        assert "data-unfinished" not in client.get(place).text


def test_an_agent_goes_on_from_the_dashboard(client: FlaskClient, card: Card) -> None:
    stopped(card, "repair", "keys")
    uuid, number = card.person.uuid, card.id
    agent = a_person(organisation=card.person.organisation)
    assignment = an_assignment(agent, Role.RA_AGENT)
    signs_in(client, a_card(agent), assignment_id=assignment.id)
    text = client.get("/").text
    assert "Stopped half way" in text
    assert f'<a href="/people/{uuid}/cards/{number}">Put right' in text
    assert f'<a href="/people/{uuid}">Grace Adeyemi</a>' in text
    assert client.get(f"/people/{uuid}/cards/{number}").status_code == 200
