"""The sign-in pages without a card: what a page may be told, and how a session ends."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session
from werkzeug.test import TestResponse

from app.card_operations.office import Office
from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import (
    CertificateStatus,
    KeyState,
    OperationState,
    SessionEnd,
)
from app.extensions import db
from app.models import (
    AuditEvent,
    BridgeConnection,
    Card,
    CardKey,
    CardOperation,
    CardOperationStep,
    Certificate,
)
from app.models import Session as SessionRow
from app.pki.authority import BuiltInAuthority
from app.services import sign_in
from reader_bridge.contract import Slot
from tests.parts.clock import START, FrozenClock
from tests.parts.people import a_card, a_person
from tests.parts.workstations import a_workstation
from tests.web.conftest import FRAGMENT
from tests.web.visits import page_token, sends, signs_in

PERSON = "500200300107"
GUID = "0f4e1c526a5e4c6b9d4e0e2f3b1a7c11"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority") / "pki"
    BuiltInAuthority.create(folder, b"of the tests", now=datetime(2026, 1, 1, tzinfo=UTC))
    return folder


@pytest.fixture
def office(app: Flask, db_session: scoped_session[Session], authority: Path) -> Office:
    app.config.update(PKI_FOLDER=str(authority), ISSUER_PASSPHRASE="of the tests")
    office = Office(app.config)
    app.extensions["card_office"] = office
    return office


def certificate(office: Office, guid: str, moved_back: timedelta = timedelta(0)) -> str:
    """An authentication certificate of ours, as a page reads it from a card."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    issued = office.issuer.issue(
        Slot.AUTHENTICATION,
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        uuid=PERSON,
        guid=UUID(hex=guid),
        now=START,
        moved_back=moved_back,
    )
    return base64.urlsafe_b64encode(issued.der).rstrip(b"=").decode()


def presented(**more: Any) -> dict[str, Any]:
    return {
        "reader": "Reader <1>",
        "seat": "seat-1",
        "guid": GUID,
        "blank": False,
        "passcode_left": 3,
        "rule": {"min_length": 6, "max_length": 8, "alphabet": "digits"},
        "certificates": {},
        **more,
    }


def shows(client: FlaskClient, cards: object, seat: object = "seat-1") -> TestResponse:
    """Post what the page has read from the readers."""
    headers = {**FRAGMENT, "X-CSRFToken": page_token(client)}
    return client.post("/sign-in/card", json={"cards": cards, "seat": seat}, headers=headers)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"blank": True}, "blank"),
        ({"guid": None}, "blank"),
        ({}, "not-ours"),
        ({"certificates": {"9a": "bm90IGEgY2VydGlmaWNhdGU"}}, "not-ours"),
    ],
)
def test_a_card_that_is_not_ours_is_told_so_without_asking_for_a_passcode(
    client: FlaskClient, office: Office, what: dict[str, Any], reason: str
) -> None:
    text = shows(client, [presented(**what)]).text
    assert f'data-refused="{reason}"' in text
    assert "data-passcode" not in text


def test_our_card_of_nobody_here_is_not_known(client: FlaskClient, office: Office) -> None:
    card = presented(certificates={"9a": certificate(office, GUID)})
    assert 'data-refused="unknown-card"' in shows(client, [card]).text


@pytest.mark.parametrize(
    ("days", "left", "reason"), [(731, 3, "expired"), (0, 0, "locked"), (731, 0, "locked")]
)
def test_what_the_chip_and_the_calendar_say_needs_no_database(
    client: FlaskClient, office: Office, days: int, left: int, reason: str
) -> None:
    signed = certificate(office, GUID, timedelta(days=days))
    card = presented(certificates={"9a": signed}, passcode_left=left)
    assert f'data-refused="{reason}"' in shows(client, [card]).text


def test_a_card_refused_before_its_passcode_is_one_event_for_each_insertion(
    client: FlaskClient, office: Office, db_session: scoped_session[Session]
) -> None:
    expired = {"9a": certificate(office, GUID, timedelta(days=731))}
    for seat in ("seat-1", "seat-1", "seat-2"):
        shows(client, [presented(certificates=expired, seat=seat)], seat)
    events = db_session.scalars(select(AuditEvent).where(AuditEvent.event == "sign-in")).all()
    assert [event.facts["reason"] for event in events] == ["expired", "expired"]
    assert {event.facts["guid"] for event in events} == {GUID}


def test_several_cards_are_told_apart_by_reader_and_uuid(
    client: FlaskClient, office: Office
) -> None:
    first = presented(certificates={"9a": certificate(office, GUID)})
    second = presented(seat="seat-2", reader="Reader 2")
    text = shows(client, [first, second], seat=None).text
    assert "5002\u00a00030\u00a00107" in text
    assert "in Reader &lt;1&gt;" in text
    assert 'data-choose-seat="seat-2"' in text


@pytest.mark.parametrize(
    "cards",
    [
        None,
        [],
        "cards",
        [None, 7, "x"],
        [[]],
        [{}],
        [{"seat": "seat-1", "error": "card-busy"}],
        [{"seat": "seat-1", "error": {"code": 7}}],
        [{"seat": "seat-1", "error": {"code": "<script>"}}],
        [presented(certificates=[1], rule=[], guid=7, passcode_left="many")],
        [presented(certificates={"9a": "x" * 100_000})],
        [presented(certificates={"9a": "!!!"}, rule={"min_length": 9, "max_length": 2})],
        [presented(rule={"min_length": "a", "max_length": None, "alphabet": {}})],
    ],
)
def test_whatever_a_page_claims_to_have_read_gets_an_answer(
    client: FlaskClient, office: Office, cards: object
) -> None:
    answer = shows(client, cards)
    assert answer.status_code == 200
    assert "<script>" not in answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'"x"'])
@pytest.mark.parametrize("address", ["/sign-in/card", "/sign-in/start"])
def test_a_body_that_is_no_object_is_no_fault_of_the_server_s(
    client: FlaskClient, office: Office, address: str, body: bytes
) -> None:
    headers = {**FRAGMENT, "X-CSRFToken": page_token(client)}
    answer = client.post(address, data=body, headers=headers, content_type="application/json")
    assert answer.status_code < 500


def test_a_sign_in_of_another_browser_is_not_found(client: FlaskClient) -> None:
    assert client.get("/sign-in/0f4e1c52-6a5e-4c6b-9d4e-0e2f3b1a7c11").status_code == 404


@pytest.mark.both_databases
@pytest.mark.parametrize("address", ["/sign-in/a%00b", "/card-operations/%00"])
def test_an_address_that_no_database_can_look_for_is_not_found(
    client: FlaskClient, db_session: scoped_session[Session], address: str
) -> None:
    assert client.get(address).status_code == 404


def test_signing_out_ends_the_session_on_the_server_with_its_reason(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    signs_in(client, a_card(a_person()))
    answer = sends(client, "/sign-out", reason="card-removed")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/signed-out?reason=card-removed"
    assert "Clear-Site-Data" in answer.headers
    ended = db_session.scalar(select(SessionRow))
    assert ended is not None
    assert ended.end_reason == "card-removed"
    assert client.get("/profile").status_code == 303


def test_a_reason_that_no_page_has_is_an_ordinary_sign_out(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    signs_in(client, a_card(a_person()))
    answer = sends(client, "/sign-out", reason="<script>")
    assert answer.headers["Location"] == "/signed-out"
    ended = db_session.scalar(select(SessionRow))
    assert ended is not None
    assert ended.end_reason == "signed-out"


@pytest.mark.parametrize("reason", sorted(set(SessionEnd) - {SessionEnd.SIGNED_OUT}))
def test_every_end_of_a_session_that_nobody_asked_for_is_explained(
    client: FlaskClient, reason: str
) -> None:
    plain = client.get("/signed-out").text
    assert client.get(f"/signed-out?reason={reason}").text.count("<p>") > plain.count("<p>")


def test_whoever_is_signed_in_is_led_from_the_sign_in_page_to_the_dashboard(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    signs_in(client, a_card(a_person()))
    assert client.get("/sign-in").status_code == 303


def test_what_a_page_does_by_itself_keeps_nobody_signed_in(
    client: FlaskClient, db_session: scoped_session[Session], clock: FrozenClock
) -> None:
    signs_in(client, a_card(a_person()))
    clock.advance(minutes=2)
    client.get("/profile", headers={"By-Itself": "1"})
    before = db_session.scalar(select(SessionRow.last_seen_at))
    client.get("/profile")
    db_session.rollback()
    after = db_session.scalar(select(SessionRow.last_seen_at))
    assert before == START
    assert after is not None
    assert after > START


def test_without_a_demonstration_there_is_no_card_desk(app: Flask, client: FlaskClient) -> None:
    app.config["DEMONSTRATION"] = False
    assert client.get("/demo/card-desk").status_code == 404
    assert "card desk" not in client.get("/sign-in").text


def a_proven_sign_in(browser: str, card: Card) -> CardOperation:
    """The journal of a sign-in whose card has proven itself, in this browser."""
    connection = BridgeConnection(
        sid="s" * 43,
        browser=hashlib.sha256(browser.encode()).hexdigest(),
        ek={},
        workstation_id=a_workstation().id,
        instance="bridge-1",
        origin="http://127.0.0.1:5000",
        received_at=START,
        expires_at=START + timedelta(hours=12),
    )
    proof = CardOperationStep(
        number=1, name="prove", jti="j", ticket_at=START, outcome="done", answered_at=START
    )
    row = CardOperation(
        public_id="0f4e1c52-6a5e-4c6b-9d4e-0e2f3b1a7c11",
        kind="sign-in",
        state=OperationState.WAITING,
        step="choose",
        card=card,
        person=card.person,
        browser=connection.browser,
        connection=connection,
        seat="seat-1",
        steps=[proof],
        started_at=START,
        updated_at=START,
    )
    db.session.add(row)
    db.session.commit()
    return row


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
def test_what_was_decided_while_somebody_signed_in_is_said_in_words(
    client: FlaskClient, office: Office, clock: FrozenClock, headers: dict[str, str]
) -> None:
    page_token(client)
    with client.session_transaction() as session:
        session["browser"] = "a browser"
    card = a_card(a_person(), status=CardStatus.CANCELLED)
    row = a_proven_sign_in("a browser", card)
    answer = client.get(f"/sign-in/{row.public_id}", headers=headers)
    assert answer.status_code == 409
    assert 'data-refused="cancelled"' in answer.text
    assert ("<html" in answer.text) is not bool(headers)


def test_a_card_that_was_unlocked_elsewhere_is_asked_for_its_passcode(
    client: FlaskClient, office: Office
) -> None:
    """What the service remembers of a locked chip is old news as soon as the chip says better."""
    card = a_card(a_person(), status=CardStatus.LOCKED)
    text = certificate(office, card.guid)
    its_certificate(card, text)
    office.config["ALLOW_VIRTUAL_CARDS"] = True
    seen = {"guid": card.guid, "certificates": {"9a": text}}
    assert 'data-refused="locked"' in shows(client, [presented(passcode_left=None, **seen)]).text
    answer = shows(client, [presented(passcode_left=3, **seen)])
    assert 'name="tries_left" value="3"' in answer.text
    headers = {**FRAGMENT, "X-CSRFToken": page_token(client)}
    body = {"sid": "s" * 43, "seat": "seat-1", "card": card.guid}
    for tries_left, reason in ((None, "locked"), ("0", "locked"), ("many", "locked")):
        said = client.post(
            "/sign-in/start", json={**body, "tries_left": tries_left}, headers=headers
        )
        assert f'data-refused="{reason}"' in said.text
    further = client.post("/sign-in/start", json={**body, "tries_left": "3"}, headers=headers)
    assert "has not introduced itself" in further.text


def its_certificate(card: Card, text: str) -> None:
    der = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    read = x509.load_der_x509_certificate(der)
    key = CardKey(
        card_id=card.id,
        slot="9a",
        state=KeyState.CURRENT,
        algorithm="ES256",
        public_key=read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        jkt="j" * 43,
        created_at=START,
    )
    db.session.add(key)
    db.session.flush()
    db.session.add(
        Certificate(
            card_id=card.id,
            slot="9a",
            key_id=key.id,
            serial=f"{read.serial_number:x}",
            issuer="issuing",
            not_before=read.not_valid_before_utc,
            not_after=read.not_valid_after_utc,
            der=der,
            status=CertificateStatus.ACTIVE,
        )
    )
    db.session.commit()


def test_nobody_fills_the_audit_log_with_sign_ins_that_lead_nowhere(
    client: FlaskClient, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "MOST_STARTS", 2)
    headers = {**FRAGMENT, "X-CSRFToken": page_token(client)}
    said = [
        client.post("/sign-in/start", json={"card": "ab" * 16}, headers=headers).status_code
        for _ in range(4)
    ]
    assert said == [409, 409, 429, 429]
    assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == 2
