"""What a bridge brings by itself: its install code. And what a page brings of a blocked one."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session
from werkzeug.test import TestResponse

from app.domain.statuses import Outcome, WorkstationStatus
from app.models import AuditEvent, Workstation
from app.services import install_codes, workstations
from reader_bridge.workstation import Workstation as Bridge
from tests.parts.clock import START
from tests.parts.workstations import ORIGIN, a_bridge, a_workstation
from tests.web.visits import page_token

JSON = {"Accept": "application/json"}


def brings(
    client: FlaskClient, bridge: Bridge, code: str, nonce: str | None = None
) -> TestResponse:
    challenge = client.get("/bridge/enrolment").get_json()["challenge"]
    signed = bridge.enrolment(origin=ORIGIN, nonce=nonce or challenge, code=code)
    return client.post(
        "/bridge/enrolment", json={"enrolment": signed}, headers=JSON | {"X-CSRFToken": challenge}
    )


@pytest.fixture
def code(app: Flask, db_session: scoped_session[Session]) -> str:
    made = install_codes.make(label="Ward 4", uses=1, actor=None, now=START).code
    db_session.remove()
    return made


def test_a_good_code_enrols_the_pc_whose_key_signed(
    client: FlaskClient, db_session: scoped_session[Session], code: str
) -> None:
    bridge = a_bridge("WARD4-PC2")
    answer = brings(client, bridge, code)
    assert answer.get_json() == {"enrolled": True, "name": "WARD4-PC2"}
    row = db_session.scalars(select(Workstation)).one()
    assert (row.thumbprint, row.status) == (bridge.thumbprint, WorkstationStatus.ENROLLED)


def test_wrong_and_used_codes_get_one_and_the_same_answer(client: FlaskClient, code: str) -> None:
    brings(client, a_bridge(), code)
    answers = {
        (answer.status_code, answer.text)
        for answer in (brings(client, a_bridge(), each) for each in (code, "wrong", ""))
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 409


def test_what_was_signed_on_another_visit_enrols_nobody(
    client: FlaskClient, db_session: scoped_session[Session], code: str
) -> None:
    assert brings(client, a_bridge(), code, nonce="of another visit").status_code == 409
    assert db_session.scalars(select(Workstation)).all() == []


@pytest.mark.parametrize("body", [{}, {"enrolment": None}, {"enrolment": "a.b.c"}])
def test_nonsense_is_refused(client: FlaskClient, body: object) -> None:
    headers = JSON | {"X-CSRFToken": page_token(client)}
    assert client.post("/bridge/enrolment", json=body, headers=headers).status_code == 409


def test_too_many_tries_are_told_when_to_come_again(client: FlaskClient) -> None:
    for _ in range(install_codes.MOST_TRIES):
        brings(client, a_bridge(), "wrong")
    answer = brings(client, a_bridge(), "wrong")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900


def test_a_page_at_a_blocked_pc_is_refused_in_words_and_the_log_has_it(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    bridge = a_bridge()
    pc = a_workstation(thumbprint=bridge.thumbprint).id
    workstations.block(bridge.thumbprint, reason="Stolen", actor=None, now=START)
    db_session.remove()
    hello = bridge.hello(
        sid="s" * 43,
        ek={"kty": "OKP", "crv": "X25519", "x": "q6qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"},
        origin=ORIGIN,
        instance="i" * 43,
        capabilities=[],
    )
    answer = client.post(
        "/bridge/hello",
        json={"hello": hello},
        headers={"X-CSRFToken": page_token(client), "HX-Request": "true", "Accept": "text/html"},
    )
    assert answer.status_code == 409
    assert "This PC has been blocked" in answer.text
    event = db_session.scalars(
        select(AuditEvent).where(AuditEvent.event == "workstation.used")
    ).one()
    assert (event.outcome, event.workstation_id) == (Outcome.REFUSED, pc)


def test_a_pc_that_is_enrolled_cannot_give_itself_another_name(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    bridge = a_bridge("SOMETHING ELSE")
    a_workstation("Ward 4", thumbprint=bridge.thumbprint, status=WorkstationStatus.ENROLLED)
    db_session.remove()
    hello = bridge.hello(
        sid="s" * 43,
        ek={"kty": "OKP", "crv": "X25519", "x": "q6qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"},
        origin=ORIGIN,
        instance="i" * 43,
        capabilities=[],
    )
    headers = {"X-CSRFToken": page_token(client)}
    answer = client.post("/bridge/hello", json={"hello": hello}, headers=headers)
    assert answer.get_json()["enrolled"] is True
    assert db_session.scalars(select(Workstation.name)).one() == "Ward 4"
