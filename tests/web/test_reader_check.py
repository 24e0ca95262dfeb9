"""The reader check: open to all, of use without script, with policies for this very service."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints.reader_check.policies import policies
from app.pki.authority import BuiltInAuthority
from tests.parts.clock import START
from tests.web.visits import page_token

CHECKS = Path(__file__).parents[2] / "app/static/js/reader-check.js"


@pytest.fixture
def authority(app: Flask, tmp_path: Path) -> None:
    BuiltInAuthority.create(tmp_path / "pki", b"of the tests", now=START)
    app.config.update(PKI_FOLDER=str(tmp_path / "pki"), ISSUER_PASSPHRASE="of the tests")
    app.extensions.pop("card_office", None)


def asks(client: FlaskClient, *cards: object) -> str:
    answer = client.post(
        "/reader-check/card", json={"cards": cards}, headers={"X-CSRFToken": page_token(client)}
    )
    assert answer.status_code == 200
    return answer.text


def test_it_is_found_from_the_sign_in_page_and_from_help(client: FlaskClient) -> None:
    for address in ("/sign-in", "/help"):
        assert 'href="/reader-check"' in client.get(address).text


def test_without_script_it_says_what_to_look_at_and_whom_to_call(client: FlaskClient) -> None:
    text = client.get("/reader-check").text
    without = re.search(r"<noscript>(.*?)</noscript>", text, re.DOTALL)
    assert without
    assert "Is the card reader plugged in?" in without[1]
    assert re.search(r"<reader-check[^>]* hidden>", text), "what cannot work is not shown"
    assert "Whom to call" in text
    assert 'href="tel:' in text


def test_every_state_that_the_script_may_show_has_its_words(client: FlaskClient) -> None:
    text = client.get("/reader-check").text
    there = set(re.findall(r'<template data-(?:state|reader)="([a-z-]+)">', text))
    script = CHECKS.read_text("utf-8")
    said = set(re.findall(r'(?:return|\?|:|"card",) "([a-z-]+)"', script))
    assert said - there == set()
    assert "" not in [part.strip() for part in re.findall(r"<template[^>]*>(.*?)</template>", text)]


def test_the_policies_name_this_service_and_no_other(app: Flask, client: FlaskClient) -> None:
    app.config["ORIGIN"] = "https://identity.example.nhs.uk:8443"
    text = unescape(client.get("/reader-check").text)
    for name in ("LoopbackNetworkAllowedForUrls", "LocalNetworkAccessAllowedForUrls"):
        assert f'"{name}": [\n    "https://identity.example.nhs.uk:8443"\n  ]' in text
        assert rf"\Policies\Google\Chrome\{name}]" in text
        assert rf"\Policies\Microsoft\Edge\{name}]" in text
    assert '"1"="https://identity.example.nhs.uk:8443"' in text


def test_what_is_to_be_json_is_and_firefox_gets_the_host_alone() -> None:
    texts = {each.id: each.text for each in policies("https://identity.example.nhs.uk:8443")}
    firefox = json.loads(texts["policy-firefox"])
    assert firefox["policies"]["LocalNetworkAccess"]["SkipDomains"] == ["identity.example.nhs.uk"]
    assert len(json.loads(texts["policy-chromium"])) == 2


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"guid": None, "blank": True}, "has not been issued to anyone"),
        ({"guid": "ab" * 16, "certificates": {"9a": "AAAA"}}, "not issued by this service"),
        ({"error": {"code": "not-a-piv-card"}}, "This card cannot be read"),
        ({"error": {"code": "card-busy"}}, "Another program is using the card"),
        ({"error": {"code": "<script>"}}, "The card could not be used"),
    ],
)
def test_a_card_is_told_apart_without_a_passcode(
    client: FlaskClient, card: dict[str, object], words: str
) -> None:
    text = asks(client, {"reader": "Reader <1>", "seat": "1", **card})
    assert words in text
    assert "Reader &lt;1&gt;" in text
    assert "<script>" not in text


@pytest.mark.usefixtures("authority")
def test_make_tries_and_being_virtual_are_told(client: FlaskClient) -> None:
    facts = {"reader": "R", "seat": "1", "guid": "ab" * 16, "blank": True}
    text = asks(client, {**facts, "profile_title": "A make", "passcode_left": 2, "virtual": True})
    assert "A make, in software only" in text
    assert re.search(r">2</dd>", text)
    assert "accepts real cards only" in text
    assert "The card does not say" in asks(client, facts)


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("body", [{}, {"cards": None}, {"cards": [1, "x"]}])
def test_nonsense_shows_no_card(client: FlaskClient, body: object) -> None:
    answer = client.post(
        "/reader-check/card", json=body, headers={"X-CSRFToken": page_token(client)}
    )
    assert answer.status_code == 200
    assert "data-look" not in answer.text
