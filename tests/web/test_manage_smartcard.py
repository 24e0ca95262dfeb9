"""Manage Smartcard: what an agent is shown, what is refused, and what each look leaves behind."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.card_operations import wire
from app.domain.card_lifecycle import CardStatus
from app.domain.roles import Role
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import (
    AuditEvent,
    Card,
    CardOperation,
    CardOperationStep,
    Organisation,
    Person,
)
from app.pki.authority import BuiltInAuthority
from tests.parts.clock import START
from tests.parts.people import a_card, a_person, an_assignment, an_organisation
from tests.web.visits import page_token, sends, signs_in

pytestmark = pytest.mark.usefixtures("db_session")

IN_A_YEAR = START.date() + timedelta(days=365)
SOON = START.date() + timedelta(days=20)
FRAGMENT = {"HX-Request": "true", "Accept": "text/html"}


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority") / "pki"
    BuiltInAuthority.create(folder, b"of the tests", now=START)
    return folder


@pytest.fixture(autouse=True)
def authority(app: Flask, pki_folder: Path) -> None:
    app.config.update(PKI_FOLDER=str(pki_folder), ISSUER_PASSPHRASE="of the tests")
    app.extensions.pop("card_office", None)


@pytest.fixture
def agent(client: FlaskClient) -> Organisation:
    return signed_in_as(client, Role.RA_AGENT)


def signed_in_as(client: FlaskClient, role: Role) -> Organisation:
    person = a_person(given_name="Agnes", family_name="Agent")
    organisation = person.organisation
    signs_in(client, a_card(person), assignment_id=an_assignment(person, role).id)
    return db.session.merge(organisation)


def a_users_card(organisation: Organisation, **columns: Any) -> Card:
    person = a_person(given_name="Grace", family_name="Hopper", organisation=organisation)
    return a_card(person, **{"expires_on": IN_A_YEAR, **columns})


def address(card: Card, service: str = "") -> str:
    assert card.person is not None
    return f"/people/{card.person.uuid}/cards/{card.id}{service}"


def posts(client: FlaskClient, where: str, body: Any) -> TestResponse:
    headers = {**FRAGMENT, "X-CSRFToken": page_token(client)}
    return client.post(where, json=body, headers=headers)


def in_second_reader(seat: str = "seat-2", **card: Any) -> dict[str, Any]:
    shown = {"reader": "Reader 2", "seat": seat, "guid": None, "blank": False, **card}
    return {"cards": [shown], "seat": seat}


def shows(client: FlaskClient, card: Card, seat: str = "seat-2") -> TestResponse:
    return posts(client, "/manage-smartcard/card", in_second_reader(seat, guid=card.guid))


def what(answer: TestResponse) -> str:
    found = re.search(r'data-second="([a-z-]+)"', answer.text)
    assert found, answer.text
    return found[1]


def looks() -> int:
    events = select(AuditEvent).where(AuditEvent.event == "person.looked-at")
    return len(list(db.session.scalars(events)))


def test_a_card_holder_has_no_such_page(client: FlaskClient) -> None:
    signs_in(client, a_card(a_person()))
    assert client.get("/manage-smartcard").status_code == 403
    assert "Manage Smartcard" not in client.get("/").text


def test_the_page_asks_for_the_users_card_in_the_second_reader(
    client: FlaskClient, agent: Organisation
) -> None:
    page = client.get("/manage-smartcard").text
    assert "Place the user’s card in the second reader. Do not remove your own." in page
    assert "There is only one reader on this PC" in page


def test_a_users_card_is_shown_with_owner_details_and_services(
    client: FlaskClient, agent: Organisation
) -> None:
    card = a_users_card(agent)
    page = shows(client, card)
    assert what(page) == "held"
    assert "Grace Hopper" in page.text
    assert f'href="{address(card, "/cancel")}"' in page.text
    assert "90 days before expiry" in page.text  # renewing, with the reason why not


def test_one_insertion_is_one_look_however_often_the_page_asks(
    client: FlaskClient, agent: Organisation
) -> None:
    card = a_users_card(agent)
    for seat in ("seat-2", "seat-2", "seat-3"):
        shows(client, card, seat)
    assert looks() == 2


def test_the_same_card_in_both_readers_is_refused(client: FlaskClient) -> None:
    person = a_person()
    own = a_card(person)
    signs_in(client, own, assignment_id=an_assignment(person, Role.RA_AGENT).id)
    assert what(shows(client, db.session.merge(own))) == "same"


def test_another_card_of_ones_own_is_not_managed(client: FlaskClient) -> None:
    person = a_person()
    own = a_card(person)
    older = a_card(person, status=CardStatus.CANCELLED)
    signs_in(client, own, assignment_id=an_assignment(person, Role.RA_AGENT).id)
    assert what(shows(client, db.session.merge(older))) == "own"
    assert client.get(address(db.session.merge(older))).status_code == 200
    assert client.get(address(db.session.merge(older), "/erase")).status_code == 403


def test_the_card_of_another_organisation_is_not_shown_and_leaves_no_look(
    client: FlaskClient, agent: Organisation
) -> None:
    card = a_users_card(an_organisation())
    page = shows(client, card)
    assert what(page) == "out-of-scope"
    assert "Grace" not in page.text
    assert looks() == 0
    assert client.get(address(card)).status_code == 404


@pytest.mark.parametrize(
    ("card", "is_"),
    [
        ({"guid": None, "blank": True}, "blank"),
        ({"guid": "ab" * 16}, "not-ours"),
        ({"error": {"code": "not-a-piv-card"}}, "unreadable"),
        ({"error": {"code": "card-busy"}}, "unreadable"),
        ({"guid": "ab" * 16, "virtual": True}, "virtual"),
    ],
)
def test_each_card_that_is_nobodys_says_what_to_do(
    client: FlaskClient, agent: Organisation, card: dict[str, Any], is_: str
) -> None:
    client.application.config["ALLOW_VIRTUAL_CARDS"] = False
    page = posts(client, "/manage-smartcard/card", in_second_reader(**card))
    assert page.status_code == 200
    assert what(page) == is_


def test_of_several_cards_the_agent_chooses_one(client: FlaskClient, agent: Organisation) -> None:
    cards = [
        {"reader": f"Reader {n}", "seat": f"seat-{n}", "guid": f"{n}" * 32} for n in range(2, 4)
    ]
    page = posts(client, "/manage-smartcard/card", {"cards": cards, "seat": None})
    assert what(page) == "choose"
    assert 'data-choose-seat="seat-3"' in page.text


def test_the_latest_card_that_is_in_date_is_chosen_beforehand(
    client: FlaskClient, agent: Organisation
) -> None:
    latest = a_users_card(agent)
    older = a_card(
        latest.person,
        status=CardStatus.CANCELLED,
        issued_at=START - timedelta(days=900),
        expires_on=IN_A_YEAR,
    )
    page = shows(client, older).text
    assert f'href="{address(latest, "/suspend")}"' in page
    assert "not this person’s latest card" in page


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.RA_MANAGER, ["cancel", "suspend", "renew"], []),
        (Role.LOCAL_ADMINISTRATOR, ["renew", "unlock"], ["cancel", "suspend"]),
        (Role.SPONSOR, ["renew", "unlock"], ["cancel", "repair"]),
        (Role.ID_CHECKER, [], ["renew", "unlock", "cancel"]),
    ],
)
def test_services_go_as_far_as_the_role(
    client: FlaskClient, role: Role, may: list[str], may_not: list[str]
) -> None:
    card = a_users_card(signed_in_as(client, role), expires_on=SOON)
    page = client.get(address(card)).text
    for service in may:
        assert f'href="{address(card, "/" + service)}"' in page
        assert client.get(address(card, "/" + service)).status_code == 200
    for service in may_not:
        assert f'href="{address(card, "/" + service)}"' not in page
        assert client.get(address(card, "/" + service)).status_code == 403
    assert ("Needs the role" in page) is bool(may_not)


def test_a_service_that_the_card_does_not_allow_says_why(
    client: FlaskClient, agent: Organisation
) -> None:
    card = a_users_card(agent)
    answer = client.get(address(card, "/renew"))
    assert answer.status_code == 409
    assert "Opens on" in answer.text


@pytest.mark.parametrize("word", ["issue", "report", "nothing", "%00", "RENEW"])
def test_there_are_no_other_services(client: FlaskClient, agent: Organisation, word: str) -> None:
    assert client.get(address(a_users_card(agent), f"/{word}")).status_code == 404


def test_another_card_than_the_one_that_is_meant_is_said(
    client: FlaskClient, agent: Organisation
) -> None:
    card, other = a_users_card(agent, expires_on=SOON), a_users_card(agent)
    page = posts(client, address(card, "/renew/card"), in_second_reader(guid=other.guid))
    assert what(page) == "other"
    page = posts(client, address(card, "/renew/card"), in_second_reader(guid=card.guid))
    assert what(page) == "held"
    assert "data-passcode" in page.text


def test_cancelling_asks_why_and_then_whether_it_is_meant(
    client: FlaskClient, agent: Organisation
) -> None:
    card = a_users_card(agent)
    assert 'type="radio"' in client.get(address(card, "/cancel")).text
    answer = client.get(address(card, "/cancel/confirm"))
    assert answer.status_code == 422
    assert 'value="lost"' in answer.text
    assert client.get(address(card, "/cancel/confirm?reason=boredom")).status_code == 422
    confirm = client.get(address(card, "/cancel/confirm?reason=lost")).text
    assert "cannot be undone" in confirm
    assert re.search(r'name="replacement"[^>]*checked', confirm)


@pytest.mark.parametrize("body", [{}, {"reason": "other"}, {"reason": "other", "note": "x" * 501}])
def test_cancelling_without_what_it_needs_says_so(
    client: FlaskClient, agent: Organisation, body: dict[str, str]
) -> None:
    card = a_users_card(agent)
    answer = posts(client, address(card, "/cancel/start"), body)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text


def test_a_card_is_suspended_and_resumed(client: FlaskClient, agent: Organisation) -> None:
    card = a_users_card(agent)
    assert sends(client, address(card, "/suspend"), note="").status_code == 422
    assert sends(client, address(card, "/suspend"), note="On leave").status_code == 303
    db.session.expire_all()
    assert card.status is CardStatus.SUSPENDED
    assert client.get(address(card, "/renew")).status_code == 409
    assert sends(client, address(card, "/resume"), note="").status_code == 303
    db.session.expire_all()
    assert card.status is CardStatus.ISSUED


@pytest.mark.parametrize("body", [{}, {"photo": "y"}, {"passport": "y"}])
@pytest.mark.parametrize("service", ["/repair/approve", "issue"])
def test_nothing_is_signed_without_an_identity_check(
    client: FlaskClient, agent: Organisation, service: str, body: dict[str, str]
) -> None:
    card = a_users_card(agent)
    assert card.person is not None
    issue = f"/people/{card.person.uuid}/issue/approve"
    answer = posts(client, issue if service == "issue" else address(card, service), body)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text


@pytest.mark.parametrize(
    "reading",
    [
        None,
        [],
        {"rule": 7},
        {"rule": {"min_length": 0, "max_length": 99}, "profile": "x"},
        {"rule": {"min_length": 6, "max_length": 8}, "profile": 5},
    ],
)
def test_a_card_that_no_bridge_would_describe_is_not_issued(
    client: FlaskClient, agent: Organisation, reading: object
) -> None:
    uuid = a_person(organisation=agent).uuid
    answer = posts(client, f"/people/{uuid}/issue/start", {"reading": reading})
    assert answer.status_code in (409, 422)
    assert db.session.scalar(select(Card).where(Card.status == CardStatus.BLANK)) is None


def test_a_card_is_printed_in_its_own_size_and_the_print_is_recorded(
    client: FlaskClient, agent: Organisation
) -> None:
    card = a_users_card(agent)
    answer = client.get(address(card, "/print"))
    assert answer.content_type == "application/pdf"
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", answer.data)
    assert box
    size = [round(float(side) * 25.4 / 72, 1) for side in box.groups()]
    assert size == [85.6, 54.0]
    assert db.session.scalar(select(AuditEvent).where(AuditEvent.event == "card.printed"))


def test_what_is_done_is_told_to_whoever_did_it_alone(
    client: FlaskClient, agent: Organisation
) -> None:
    assert client.get("/manage-smartcard/done/nothing").status_code == 404


@pytest.mark.parametrize("reason", ["not-signed-in", "not-allowed"])
def test_whoever_may_not_go_on_is_told_that_what_the_card_has_done_counts(
    client: FlaskClient, agent: Organisation, reason: str
) -> None:
    card = a_users_card(agent)
    with client.session_transaction() as cookie:
        browser = cookie.setdefault("browser", "this-browser")
    facts = {"operation": "an-unlock", "kind": "unlock", "step": "unlock", "reason": reason}
    row = CardOperation(
        public_id="an-unlock", kind="unlock", state=OperationState.WAITING, step="unlock",
        card=card, person=card.person, actor=db.session.scalar(select(Person).filter_by(
            given_name="Agnes")), browser=hashlib.sha256(browser.encode()).hexdigest(),
        started_at=START, updated_at=START,
    )  # fmt: skip
    body = {"step": 1, "results": [], "error": None}
    row.steps.append(
        CardOperationStep(
            number=1, name="start", jti="jti", ticket_at=START, outcome="done",
            result_digest=wire.digest({name: body[name] for name in ("results", "error")}),
            answer={"type": "waiting", **facts, "facts": {}},
        )
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    answer = posts(client, "/card-operations/an-unlock/result", body)
    assert "What it has done counts" in answer.text
    assert ("<card-step" in answer.text) == (reason == "not-signed-in")
