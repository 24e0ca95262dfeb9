"""Giving up a card whose issue was begun: what an agent is offered beside issuing it."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.statuses import OperationState, PersonStatus
from app.extensions import db
from app.models import CardOperation, Organisation, Person
from tests.parts.clock import START
from tests.parts.people import a_card, a_person
from tests.web.test_manage_smartcard import (
    agent,
    authority,
    in_second_reader,
    pki_folder,
    posts,
)

pytestmark = pytest.mark.usefixtures("db_session", "authority")

__all__ = ["agent", "authority", "pki_folder"]


@pytest.fixture
def holder(agent: Organisation) -> Person:
    return a_person(given_name="Grace", family_name="Hopper", organisation=agent)


def begun(holder: Person, kind: str, **facts: Any) -> CardOperation:
    card = a_card(None)
    row = CardOperation(
        public_id=f"op-{card.id}", kind=kind, state=OperationState.WAITING, step="open", card=card,
        person_id=holder.id, browser="b" * 64, started_at=START, updated_at=START,
        facts={"shown_guid": card.guid, **facts},
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row


def offered(client: FlaskClient, holder: Person, guid: str | None, query: str = "") -> str:
    card = in_second_reader(guid=guid, blank=guid is None)
    answer = posts(client, f"/people/{holder.uuid}/issue/card{query}", card)
    assert answer.status_code == 200
    return answer.text


def gives_up(client: FlaskClient, holder: Person, reading: object) -> TestResponse:
    body = {"sid": "s", "seat": "seat-2", "reading": reading}
    return posts(client, f"/people/{holder.uuid}/issue/give-up", body)


def test_beside_going_on_the_card_may_be_given_up(
    app: Flask, client: FlaskClient, holder: Person
) -> None:
    row = begun(holder, "issue")
    assert row.card is not None
    page = offered(client, holder, row.card.guid)
    assert "The card that was begun" in page
    assert "Or give up this card" in page
    assert f"/people/{holder.uuid}/issue/give-up" in page


def test_a_card_is_given_up_without_an_identity_check(client: FlaskClient, holder: Person) -> None:
    where = f"/people/{holder.uuid}/issue"
    assert "Give it up" not in client.get(where).text
    assert "identity check" in client.get(f"{where}?give-up=yes").text  # there is nothing yet
    row = begun(holder, "issue")
    assert row.card is not None
    assert f'href="{where}?give-up=yes"' in client.get(where).text
    page = client.get(f"{where}?give-up=yes").text
    assert "Give up a Smartcard" in page
    assert f"{where}/card?give-up=yes" in page
    in_reader = offered(client, holder, row.card.guid, "?give-up=yes")
    assert "Erase this card" in in_reader
    assert "Issue this card" not in in_reader
    another = offered(client, holder, None, "?give-up=yes")
    assert "This is not the card that was begun for Grace Hopper" in another


def test_a_card_begun_for_somebody_who_has_left_is_only_given_up(
    client: FlaskClient, holder: Person
) -> None:
    holder.status = PersonStatus.CLOSED
    db.session.commit()
    where = f"/people/{holder.uuid}/issue"
    assert client.get(where).status_code == 409
    row = begun(holder, "issue")
    assert row.card is not None
    assert "Give up a Smartcard" in client.get(where).text
    in_reader = offered(client, holder, row.card.guid)
    assert "Erase this card" in in_reader
    assert "Issue this card" not in in_reader
    answer = posts(client, f"{where}/start", {"sid": "s", "seat": "seat-2", "reading": {}})
    assert answer.status_code == 409
    assert "closed" in answer.text
    assert "reader bridge" in gives_up(client, holder, {"guid": row.card.guid}).text


def test_a_card_that_is_being_erased_is_offered_nothing_else(
    client: FlaskClient, holder: Person
) -> None:
    row = begun(holder, "erase", emptying=True)
    assert row.card is not None
    page = offered(client, holder, row.card.guid)
    assert "A card that is being erased" in page
    assert "Continue erasing" in page
    assert "Issue this card" not in page


def test_an_empty_card_may_be_that_one_or_a_new_one(client: FlaskClient, holder: Person) -> None:
    begun(holder, "erase", emptying=True)
    page = offered(client, holder, None)
    assert "Continue erasing" in page
    assert "Issue this card" in page


def test_a_blank_card_of_which_nothing_was_begun_is_only_issued(
    client: FlaskClient, holder: Person
) -> None:
    page = offered(client, holder, None)
    assert "Issue this card" in page
    assert "give-up" not in page


@pytest.mark.parametrize("reading", [None, [], {"guid": 7}, {"guid": "ab" * 16}, {"guid": "x" * 9}])
def test_a_card_of_which_nothing_was_begun_is_not_found(
    client: FlaskClient, holder: Person, reading: object
) -> None:
    begun(holder, "issue")
    assert gives_up(client, holder, reading).status_code == 404


def test_without_a_bridge_it_is_said_in_words(client: FlaskClient, holder: Person) -> None:
    row = begun(holder, "issue")
    assert row.card is not None
    answer = gives_up(client, holder, {"guid": row.card.guid})
    assert answer.status_code == 409
    assert "reader bridge" in answer.text
