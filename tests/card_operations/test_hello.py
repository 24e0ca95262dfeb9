"""A bridge's hello: who may bring it, and what it is worth."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import OKPKey

from app.card_operations import hello, wire
from app.card_operations.hello import HelloRefused
from app.card_operations.office import Office
from app.cli.bridge_page import BridgePage
from app.domain.errors import RateLimited
from app.extensions import db
from app.models import BridgeConnection, Workstation
from app.services import reader_bridges
from tests.card_operations.conftest import Counter
from tests.parts.bridge import ORIGIN

BROWSER = "b" * 64


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = json.loads(wire.to_bytes(token.split(".")[1]))
    return claims


def resigned(token: str, key: OKPKey, header: dict[str, object], **changes: object) -> str:
    """The same hello with other claims, signed by whoever has ``key``."""
    public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x")}
    top = {"alg": "Ed25519", "typ": "rb-hello", "kid": key.thumbprint(), "jwk": public, **header}
    return jws.serialize_compact(
        top, json.dumps(claims_of(token) | changes), key, algorithms=["Ed25519"]
    )


def test_the_same_hello_again_is_the_same_connection(counter: Counter) -> None:
    before = db.session.query(BridgeConnection).count()
    counter.introduce()
    assert db.session.query(BridgeConnection).count() == before == 1


def test_what_the_bridge_beside_the_service_says_is_in_the_log_of_the_test_alone(
    another_page: Callable[[], BridgePage],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    another_page()
    assert f"a page of {ORIGIN} came in" in caplog.text
    assert "came in" not in capfd.readouterr().err


def test_a_hello_belongs_to_the_browser_that_brought_it_first(counter: Counter) -> None:
    with pytest.raises(HelloRefused) as refused:
        hello.receive(counter.page.hello, origin=ORIGIN, browser=BROWSER, now=counter.now)
    assert refused.value.problem == "sid"


def test_every_connection_of_one_pc_is_of_one_workstation(
    counter: Counter, another_page: Callable[[], BridgePage]
) -> None:
    page = another_page()
    hello.receive(page.hello, origin=ORIGIN, browser=page.browser, now=counter.now)
    assert db.session.query(BridgeConnection).count() == 2
    assert db.session.query(Workstation).count() == 1


def test_a_hello_is_for_one_origin(
    counter: Counter, another_page: Callable[[], BridgePage]
) -> None:
    with pytest.raises(HelloRefused) as refused:
        hello.receive(
            another_page().hello, origin="https://evil.test", browser=BROWSER, now=counter.now
        )
    assert refused.value.problem == "origin"


def test_another_key_is_another_workstation_and_not_trusted(
    counter: Counter, another_page: Callable[[], BridgePage]
) -> None:
    """A script in a page can sign a hello of its own; it becomes a PC that nobody enrolled."""
    forged = resigned(another_page().hello, OKPKey.generate_key("Ed25519"), {})
    met = reader_bridges.meet(forged, origin=ORIGIN, browser=BROWSER, address=None, now=counter.now)
    assert not met.enrolled
    assert db.session.query(Workstation).count() == 2


def test_nobody_takes_over_the_connection_of_another_workstation(counter: Counter) -> None:
    forged = resigned(counter.page.hello, OKPKey.generate_key("Ed25519"), {})
    with pytest.raises(HelloRefused):
        hello.receive(forged, origin=ORIGIN, browser=counter.page.browser, now=counter.now)


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"kid": "another"}, {}),
        ({"typ": "rb-receipt"}, {}),
        ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}}, {}),
        ({}, {"version": "2"}),
        ({}, {"sid": "short"}),
        ({}, {"sid": None}),
        ({}, {"instance": 7}),
        ({}, {"ek": None}),
        ({}, {"ek": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}}),
        ({}, {"ek": {"kty": "OKP", "crv": "X25519", "x": "!"}}),
    ],
)
def test_a_hello_that_is_not_whole_is_refused(
    counter: Counter,
    another_page: Callable[[], BridgePage],
    header: dict[str, object],
    changes: dict[str, object],
) -> None:
    token = resigned(another_page().hello, OKPKey.generate_key("Ed25519"), header, **changes)
    with pytest.raises(HelloRefused):
        hello.receive(token, origin=ORIGIN, browser=BROWSER, now=counter.now)


@pytest.mark.parametrize("token", [None, "", "a.b.c", 7, {"hello": 1}])
def test_what_is_no_hello_is_refused(office: Office, counter: Counter, token: object) -> None:
    with pytest.raises(HelloRefused):
        hello.receive(token, origin=ORIGIN, browser=BROWSER, now=counter.now)


def test_hellos_from_one_address_are_limited(counter: Counter) -> None:
    now = counter.now
    for _ in range(reader_bridges.MOST_HELLOS):
        reader_bridges.limits.count_try(
            "hello 10.0.0.1", limit=10**6, window=timedelta(minutes=1), now=now
        )
    with pytest.raises(RateLimited):
        reader_bridges.meet(
            counter.page.hello,
            origin=ORIGIN,
            browser=counter.page.browser,
            address="10.0.0.1",
            now=now,
        )


def test_a_hello_needs_the_browsers_token_and_is_answered_with_what_the_pc_may(
    app: Flask, client: FlaskClient, counter: Counter, another_page: Callable[[], BridgePage]
) -> None:
    body = {"hello": another_page().hello}
    assert client.post("/bridge/hello", json=body).status_code == 400
    app.config["WTF_CSRF_ENABLED"] = False
    answer = client.post("/bridge/hello", json=body)
    assert answer.status_code == 200
    assert answer.json["enrolled"] is True
    refused = client.post("/bridge/hello", json={"hello": "x"})
    assert refused.status_code == 409


def test_a_bridge_is_configured_with_origin_public_keys_and_port_alone(
    client: FlaskClient, office: Office
) -> None:
    told = client.get("/bridge/configuration").json
    assert set(told) == {"origin", "keys", "first_port"}
    assert told["origin"] == ORIGIN
    assert told["first_port"] == client.application.config["BRIDGE_PORT"]
    assert [set(key) for key in told["keys"]] == [{"kty", "crv", "x"}]
