"""The gate: every endpoint says who may use it, and forms come from our own pages."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints import permissions
from tests.web.conftest import FRAGMENT


def token(client: FlaskClient) -> str:
    found = re.search(r"X-CSRFToken&#34;: &#34;([^&]+)&#34;", client.get("/nowhere").text)
    assert found
    return found[1]


def test_a_view_that_does_not_say_who_may_use_it_is_refused_to_everybody(
    trial: FlaskClient,
) -> None:
    answer = trial.get("/trial/unmarked")
    assert answer.status_code == 500
    assert "whoever" not in answer.text


def test_the_service_does_not_start_with_such_a_view(trial_app: Flask) -> None:
    with pytest.raises(permissions.Unmarked, match=r"trial\.unmarked"):
        permissions.check(trial_app)


def test_whoever_is_not_signed_in_gets_no_page_of_a_card_holder(trial: FlaskClient) -> None:
    answer = trial.get("/trial/holders")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in"
    assert "those who" not in answer.text


def test_a_part_of_a_page_sends_the_signed_out_to_the_sign_in_page(trial: FlaskClient) -> None:
    answer = trial.get("/trial/holders", headers=FRAGMENT)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in"
    assert answer.text == ""


def test_a_script_is_told_in_its_own_language(trial: FlaskClient) -> None:
    answer = trial.get("/trial/holders", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json == {"error": "not-signed-in"}


def test_a_form_without_its_token_changes_nothing(trial: FlaskClient) -> None:
    answer = trial.post("/trial/form")
    assert answer.status_code == 400
    assert "reload the page" in answer.text


def test_a_part_of_a_page_without_the_token_is_loaded_anew_from_the_start(
    trial: FlaskClient,
) -> None:
    on_screen = {"HX-Current-URL": "http://localhost/trial/parts?page=2"}
    answer = trial.post("/trial/form", headers=FRAGMENT | on_screen)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/trial/parts?page=2"


def test_nobody_is_sent_to_another_site_by_a_forged_header(trial: FlaskClient) -> None:
    for forged in ("https://evil.example/x", "//evil.example/x", "javascript:alert(1)"):
        answer = trial.post("/trial/form", headers=FRAGMENT | {"HX-Current-URL": forged})
        assert "evil" not in answer.headers["HX-Redirect"]
        assert answer.headers["HX-Redirect"].startswith("/")


def test_the_page_s_token_is_taken_from_a_field_or_from_a_header(trial: FlaskClient) -> None:
    sent = token(trial)
    assert trial.post("/trial/form", data={"csrf_token": sent}).status_code == 303
    assert trial.post("/trial/form", headers={"X-CSRFToken": sent}).status_code == 303


def test_a_token_of_another_browser_is_refused(trial_app: Flask, trial: FlaskClient) -> None:
    theirs = token(trial_app.test_client())
    token(trial)
    assert trial.post("/trial/form", data={"csrf_token": theirs}).status_code == 400


def test_a_browser_keeps_its_identifier_from_page_to_page(trial: FlaskClient) -> None:
    trial.get("/nowhere")
    with trial.session_transaction() as session:
        first = session["browser"]
    trial.get("/nowhere")
    with trial.session_transaction() as session:
        assert session["browser"] == first
    assert len(first) == 43  # 32 random bytes


def test_more_than_a_form_can_hold_is_refused(trial: FlaskClient) -> None:
    answer = trial.post("/trial/form", data=b"x" * (1024 * 1024 + 1))
    assert answer.status_code == 413
