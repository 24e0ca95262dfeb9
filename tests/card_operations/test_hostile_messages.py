"""What bridges and cards sign may say anything: it is believed as it should be, or refused."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey
from sqlalchemy import func, select

from app.card_operations import hello, receipts, sealed, statements, wire
from app.card_operations.hello import HelloRefused
from app.card_operations.receipts import ReceiptRefused
from app.card_operations.statements import Expected, KnownKey, StatementRefused
from app.extensions import db
from app.models import BridgeConnection, Workstation
from reader_bridge.contract import Algorithm, Purpose, Slot
from tests.parts.clock import START
from tests.parts.hostile_bridge import HostileBridge, signed
from tests.parts.properties import BROKEN_JSON, TEXTS, VALUES, altered, as_json

ORIGIN = "https://identity.test"
BROWSER = "b" * 64
LOW_ORDER = wire.to_text(bytes(32))  # a point with which nobody has a secret

TOKENS = st.one_of(
    VALUES,
    st.lists(TEXTS, min_size=3, max_size=3).map(".".join),
    BROKEN_JSON.map(lambda text: wire.to_text(text.encode("utf-8", "surrogatepass")) + ".e30.AA"),
    BROKEN_JSON.map(lambda text: "e30." + wire.to_text(text.encode("utf-8", "surrogatepass"))),
)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def receive(db_session: Any) -> Callable[[object], BridgeConnection | None]:
    """What becomes of a hello: a connection, or None where it is refused and nothing is kept."""

    def received(token: object) -> BridgeConnection | None:
        before = rows()
        try:
            connection = hello.receive(token, origin=ORIGIN, browser=BROWSER, now=START)
            db.session.commit()
        except HelloRefused:
            db.session.rollback()
            assert rows() == before
            return None
        return connection

    return received


def rows() -> tuple[int | None, ...]:
    return tuple(
        db.session.scalar(select(func.count()).select_from(table))
        for table in (BridgeConnection, Workstation)
    )


@given(TOKENS)
def test_what_is_no_hello_is_refused(receive, token):
    assert receive(token) is None


@given(altered(HostileBridge(ORIGIN).hello_header))
@example({**HostileBridge(ORIGIN).hello_header, "jwk": []})
@example({"alg": "none", "typ": "rb-hello"})
def test_a_hello_with_a_hostile_header_is_refused(receive, header):
    token = HostileBridge(ORIGIN).hello().split(".")
    token[0] = wire.to_text(as_json(header).encode())
    assert receive(".".join(token)) is None


@given(altered(HostileBridge(ORIGIN).hello_claims))
@example({**HostileBridge(ORIGIN).hello_claims, "name": "\ud800\x00 PC"})
@example({**HostileBridge(ORIGIN).hello_claims, "name": "x" * 10_000})
@example({**HostileBridge(ORIGIN).hello_claims, "sid": "\x00" * 32})
@example({**HostileBridge(ORIGIN).hello_claims, "instance": "\ud800" * 32})
@example({**HostileBridge(ORIGIN).hello_claims, "ek": {"kty": "OKP", "crv": "X25519", "x": ""}})
@example(
    {**HostileBridge(ORIGIN).hello_claims, "ek": {"kty": "OKP", "crv": "X25519", "x": LOW_ORDER}}
)
@example({**HostileBridge(ORIGIN).hello_claims, "aud": [ORIGIN]})
def test_a_signed_hello_with_hostile_claims_is_refused_or_can_be_used(receive, claims):
    connection = receive(HostileBridge(ORIGIN).hello(claims))
    if connection is None:
        return
    assert claims["aud"] == ORIGIN
    assert connection.workstation.name.isprintable()
    assert sealed.for_bridge(connection, b"a secret")


KEY = ECKey.generate_key("P-256")
KNOWN = KnownKey(
    Slot.AUTHENTICATION,
    Algorithm.ES256,
    KEY.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
)
EXPECTED = Expected(
    origin=ORIGIN,
    purpose=Purpose.SIGN_IN,
    nonce="nonce",
    card="ab" * 16,
    seat="seat",
    instance="instance",
)
STATEMENT = {
    "aud": ORIGIN,
    "nonce": "nonce",
    "purpose": "sign-in",
    "card": "ab" * 16,
    "seat": "seat",
    "bridge": "instance",
    "iat": int(START.timestamp()),
}
HEADER = {"alg": "ES256", "typ": "rb-statement", "kid": "9a"}


def accepted(token: object) -> bool:
    try:
        statements.verify(token, KNOWN, EXPECTED)
    except StatementRefused:
        return False
    return True


@given(TOKENS)
def test_what_is_no_statement_is_refused(token):
    assert not accepted(token)


def test_the_statement_that_the_others_are_made_of_is_a_good_one():
    assert accepted(signed(HEADER, STATEMENT, KEY))


@given(altered(STATEMENT))
@example({**STATEMENT, "iat": math.nan})
@example({**STATEMENT, "iat": math.inf})
@example({**STATEMENT, "iat": 10**400})
@example({**STATEMENT, "iat": True})
@example({**STATEMENT, "cnf": {"jkt": "x"}})
def test_a_card_that_signs_anything_else_proves_nothing(claims):
    """Unless what is changed is of no matter: the time of the PC's clock, a claim of its own."""
    asked = {**dict.fromkeys(("sha256", "cnf")), **STATEMENT}
    same = all(claims.get(name) == value for name, value in asked.items() if name != "iat")
    assert accepted(signed(HEADER, claims, KEY)) is same


@given(altered(HEADER))
@example({**HEADER, "b64": False, "crit": ["b64"]})
@example({**HEADER, "jwk": KEY.as_dict(private=False), "kid": "9c"})
def test_a_hostile_header_over_a_good_statement_is_refused_or_of_no_matter(header):
    token = signed(HEADER, STATEMENT, KEY).split(".")
    token[0] = wire.to_text(as_json(header).encode())
    assert not accepted(".".join(token)) or header == HEADER


RECEIPT = {
    "aud": ORIGIN,
    "sid": "sid",
    "op": "operation",
    "step": 1,
    "jti": "jti",
    "outcome": "done",
    "digest": wire.digest([]),
}


@given(st.one_of(TOKENS, altered(RECEIPT)))
@example({**RECEIPT, "step": 1.0})
@example({**RECEIPT, "outcome": {}})
def test_a_hostile_receipt_is_refused(said):
    key = OKPKey.generate_key("Ed25519")
    header = {"alg": "Ed25519", "typ": "rb-receipt", "kid": key.thumbprint()}
    token = signed(header, said, key) if isinstance(said, dict) else said
    about = {"origin": ORIGIN, "sid": "sid", "operation": "operation", "step": 1, "jti": "jti"}
    good = isinstance(said, dict) and all(said.get(n) == v for n, v in RECEIPT.items())
    try:
        receipts.verify(token, key.as_dict(private=False), results=[], **about)
    except ReceiptRefused:
        assert not good
    else:
        assert good
