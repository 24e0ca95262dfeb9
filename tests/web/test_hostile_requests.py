"""Whatever a browser sends, the answer is an error in words and the rows stay as they are."""

import hashlib
import itertools
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.card_operations.office import Office
from app.domain.statuses import OperationState, WorkstationStatus
from app.extensions import db
from app.models import (
    BridgeConnection,
    Card,
    CardOperation,
    CardOperationStep,
    OutboxMessage,
    Person,
    Session,
    Workstation,
)
from app.pki.authority import BuiltInAuthority
from tests.parts.clock import START
from tests.parts.people import a_card, a_person
from tests.parts.properties import BROKEN_JSON, TEXTS, VALUES, altered, as_json, fewer
from tests.web.visits import page_token, sends, signs_in

pytestmark = pytest.mark.both_databases

addresses = itertools.count(1)  # each request from elsewhere: how many may come is limited

Post = Callable[[str, Any], TestResponse]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("authority") / "pki"
    BuiltInAuthority.create(folder, b"of the tests", now=START)
    return str(folder)


@pytest.fixture(autouse=True)
def office(app: Flask, authority: str) -> None:
    app.config.update(PKI_FOLDER=authority, ISSUER_PASSPHRASE="of the tests")
    app.extensions["card_office"] = Office(app.config)


@pytest.fixture
def card(db_session: Any) -> int:
    """The number of a card in somebody's hand."""
    return a_card(a_person()).id


@pytest.fixture
def post(client: FlaskClient) -> Post:
    """Sends a body as a page's script does, and makes sure that the answer is no fault of ours."""
    token = page_token(client)

    def send(path: str, body: Any) -> TestResponse:
        answer = client.post(
            path,
            data=body if isinstance(body, bytes) else as_json(body).encode(),
            content_type="application/json",
            headers={"X-CSRFToken": token},
            environ_base={"REMOTE_ADDR": str(IPv4Address(0x0A000000 + next(addresses)))},
        )
        assert answer.status_code < 500, answer.text
        return answer

    return send


@pytest.fixture
def operation(client: FlaskClient, post: Post, card: int) -> Callable[[str], str]:
    """Makes an operation of a kind, in this browser, that waits for the bridge's answer."""
    with client.session_transaction() as session:
        session.setdefault("browser", "b" * 43)
        browser = hashlib.sha256(session["browser"].encode()).hexdigest()
    workstation = Workstation(
        thumbprint="t" * 43,
        jwk={"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
        name="PC 1",
        version="1",
        status=WorkstationStatus.ENROLLED,
        first_seen_at=START,
        last_seen_at=START,
    )
    connection = BridgeConnection(
        sid="s" * 43,
        browser=browser,
        ek={"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        workstation=workstation,
        instance="i" * 22,
        origin="https://identity.test",
        received_at=START,
        expires_at=START + timedelta(hours=12),
    )
    db.session.add(connection)
    db.session.commit()
    connection_id = connection.id
    numbers = itertools.count()

    def make(kind: str) -> str:
        row = CardOperation(
            public_id=f"operation-{next(numbers)}",
            kind=kind,
            state=OperationState.OPEN,
            step={"sign-in": "prove", "change-passcode": "change", "presence": "prove"}[kind],
            card_id=card,
            person_id=db.session.get_one(Card, card).person_id,
            browser=browser,
            connection_id=connection_id,
            seat="seat",
            facts={"asked": 1},
            started_at=START,
            updated_at=START,
        )
        step = CardOperationStep(
            operation=row, number=1, name=row.step, jti=f"{row.public_id}-jti", nonce="n",
            ticket_at=START,
        )  # fmt: skip
        public_id = row.public_id
        db.session.add_all([row, step])
        db.session.commit()
        db.session.remove()
        return public_id

    return make


def kept() -> list[tuple[Any, ...]]:
    db.session.remove()
    tables = (Card, Person, Session, OutboxMessage)
    return [
        tuple(row)
        for table in tables
        for row in db.session.execute(
            select(*(c for c in table.__table__.columns if "seen" not in c.name)).order_by("id")
        )
    ]


# A mark of the byte order before an object is no fault.
BROKEN_BYTES = BROKEN_JSON.filter(lambda text: not text.startswith("\ufeff")).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
OPEN_PATHS = (
    "/bridge/hello",
    "/sign-in/card",
    "/sign-in/start",
    "/sign-in/nowhere/terms",
    "/card-operations/nowhere/ticket",
    "/card-operations/nowhere/result",
)
GOOD = {
    "hello": "a.b.c",
    "sid": "s" * 43,
    "seat": "seat",
    "card": "ab" * 16,
    "step": 1,
    "results": [{"statement": "a.b.c"}],
    "receipt": "a.b.c",
}
FOUND = {
    "reader": "Reader 1",
    "seat": "seat",
    "guid": "ab" * 16,
    "blank": False,
    "profile_title": "A card",
    "passcode_left": 3,
    "rule": {"min_length": 4, "max_length": 8, "alphabet": "ascii"},
    "certificates": {"9a": "MAA"},
    "error": {"code": "card-busy"},
}


@pytest.mark.parametrize("path", OPEN_PATHS)
@given(body=st.one_of(BROKEN_BYTES, VALUES))
@fewer(2)
@example(b"\xff\xfe{}")
def test_a_body_that_is_no_object_is_refused(post, path, body):
    if isinstance(body, dict):
        body = [body]
    assert post(path, body).status_code in ((400,) if body != b"" else (200, 404, 409))


@pytest.mark.parametrize("path", OPEN_PATHS)
@given(body=altered(GOOD))
@fewer(2)
@example({**GOOD, "sid": "\x00"})
@example({**GOOD, "card": "\ud800"})
@example({**GOOD, "step": 2**70})
def test_an_object_with_hostile_values_is_answered(post, path, body):
    post(path, body)


@given(st.one_of(VALUES, st.lists(st.one_of(VALUES, altered(FOUND)), max_size=3)), VALUES)
@example([{**FOUND, "certificates": {"9a": []}}], "seat")
@example([{**FOUND, "passcode_left": True}], "seat")
@example([{**FOUND, "error": None, "certificates": {}}], "seat")
@example([{**FOUND, "error": {"code": []}}], "seat")
@fewer(2)
def test_hostile_cards_in_the_readers_are_shown_as_what_they_are(post, cards, seat):
    post("/sign-in/card", {"cards": cards, "seat": seat})


ERROR = {
    "code": "wrong-passcode",
    "left": 2,
    "outcome": "unknown",
    "rule": "run",
    "command": "sign",
    "sw": "6982",
    "refused": [0],
}


@pytest.mark.parametrize("kind", ["sign-in", "presence", "change-passcode"])
@given(body=st.one_of(altered(GOOD), altered(ERROR).map(lambda error: {"step": 1, "error": error})))
@fewer(2)
@example({"step": 1, "error": {**ERROR, "left": 2.5}})
@example({"step": 1, "error": {**ERROR, "error": "again"}})
@example({"step": 1, "error": {**ERROR, "code": "passcode-refused", "rule": []}})
@example({"step": 1, "error": {**ERROR, "left": "<script>"}})
@example({"step": True, "results": [{}]})
def test_a_hostile_result_is_answered_and_changes_no_row(client, post, card, operation, kind, body):
    if kind == "change-passcode":
        signs_in(client, db.session.get_one(Card, card))
    try:
        made = operation(kind)
        before = kept()
        for _ in range(2):
            answer = post(f"/card-operations/{made}/result", body)
            assert "<script>alert(1)" not in answer.text
        assert kept() == before
    finally:
        db.session.remove()


CONTACT = {"email": "ada@example.com", "telephone": "0151 496 0000", "mobile": "07700 900000"}
TYPED = st.dictionaries(
    st.sampled_from([*CONTACT, "other"]),
    TEXTS.map(lambda text: text.encode("utf-8", "replace").decode("utf-8")),
    max_size=4,
)


@given(TYPED)
@fewer(4)
@example({"email": "a\x00@example.com"})
@example({"email": "ada@" + "x" * 300 + ".com"})
@example({"email": "٠@example.com", "telephone": "٠١٢٣٤٥٦٧٨٩٠", "mobile": "+44²³"})
@example({"email": "ada@example.com\r\nBcc: everyone@example.com"})
def test_hostile_contact_details_are_refused_or_kept_as_they_can_be_shown(client, card, typed):
    signs_in(client, db.session.get_one(Card, card))
    answer = sends(client, "/profile/contact/change", **CONTACT | typed)
    assert answer.status_code in (303, 422), answer.text
    assert "<script>alert(1)" not in client.get("/profile").text
    person = db.session.scalars(select(Person)).one()
    kept_now = (person.email, person.telephone, person.mobile)
    assert all(str(each or "").isprintable() for each in kept_now)


QUERIES = st.one_of(TEXTS, st.integers().map(str)).map(
    lambda text: text.encode("utf-8", "replace").decode()
)


@given(QUERIES)
@example("\x00")
@example("9" * 30)
@example("%00")
@fewer(8)
def test_hostile_addresses_and_questions_find_nothing(client, post, card, text):
    signs_in(client, db.session.get_one(Card, card))
    for path, query in (
        ("/profile/activity", {"before": text}),
        ("/signed-out", {"reason": text}),
        ("/profile/cards/{}/service", {}),
        ("/card-operations/{}", {}),
        ("/sign-in/{}", {}),
        ("/demo/cards/{}", {}),
        ("/{}", {}),
    ):
        filled = path.replace("{}", quote(text, safe=""))
        answer = client.get(filled, query_string=query)
        assert answer.status_code < 500, filled
    for path in ("/sign-in/{}/role", "/sign-in/{}/decline", "/sign-out", "/stay-signed-in"):
        filled = path.replace("{}", quote(text, safe=""))
        assert sends(client, filled, assignment=text, reason=text).status_code < 500, filled


@given(QUERIES.filter(lambda text: text.isprintable()))
@fewer(4)
def test_hostile_headers_break_no_page(client, text):
    value = text.encode("latin-1", "replace").decode("latin-1")
    for name in ("HX-Request", "HX-Current-URL", "HX-Target", "Accept", "Referer", "By-Itself"):
        for path in ("/sign-in", "/nowhere", "/profile"):
            answer = client.get(path, headers={"HX-Request": "true", name: value})
            assert answer.status_code < 500, (name, path)
