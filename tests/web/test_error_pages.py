"""Pages that say no: in words, with what to do next and whom to turn to."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.conftest import FRAGMENT

STATUSES = [400, 403, 404, 405, 409, 413, 422, 429, 500, 503]


@pytest.mark.parametrize("status", STATUSES)
def test_each_refusal_is_a_page_in_words_that_names_whom_to_turn_to(
    trial: FlaskClient, status: int
) -> None:
    answer = trial.get(f"/trial/refused/{status}")
    assert answer.status_code == status
    assert str(status) not in answer.text.split("<h1")[1].split("</h1>")[0]
    assert answer.text.count("<h1") == 1
    assert "Northmere RA Team" in answer.text
    assert "0113\u00a0496\u00a00700" in answer.text


@pytest.mark.parametrize("status", STATUSES)
def test_a_part_of_a_page_is_answered_with_a_part(trial: FlaskClient, status: int) -> None:
    answer = trial.get(f"/trial/refused/{status}", headers=FRAGMENT)
    assert answer.status_code == status
    assert "<html" not in answer.text
    assert "data-announce" in answer.text


@pytest.mark.parametrize(("path", "status"), [("/trial/conflict", 409), ("/trial/too-many", 429)])
def test_a_rule_that_says_no_is_told_with_its_status(
    trial: FlaskClient, path: str, status: int
) -> None:
    assert trial.get(path).status_code == status


def test_a_rule_s_reason_reaches_a_script(trial: FlaskClient) -> None:
    answer = trial.get("/trial/conflict", headers={"Accept": "application/json"})
    assert answer.status_code == 409
    assert answer.json == {"error": "somebody-was-first"}


def test_a_rule_with_words_of_its_own_is_told_in_them(trial: FlaskClient) -> None:
    assert "sign in with it, and try again" in trial.get("/trial/another-card").text


def test_too_many_tries_say_when_to_come_back(trial: FlaskClient) -> None:
    answer = trial.get("/trial/too-many")
    assert answer.headers["Retry-After"] == "90"
    assert "Wait 2 minutes" in answer.text


def test_a_fault_tells_nothing_of_its_cause(trial: FlaskClient) -> None:
    answer = trial.get("/trial/broken")
    assert answer.status_code == 500
    assert "RuntimeError" not in answer.text
    assert "characters away" not in answer.text


def test_the_contacts_are_those_of_the_settings(trial_app: Flask, trial: FlaskClient) -> None:
    before = trial_app.config["CONTACTS"]
    desk = {"organisation": "St <Elsewhere>", "telephone": "020 7946 0000"}
    trial_app.config["CONTACTS"] = {"team": "Our RA", "desks": [desk]}
    try:
        text = trial.get("/nowhere").text
    finally:
        trial_app.config["CONTACTS"] = before
    assert "St &lt;Elsewhere&gt;" in text
    assert 'href="tel:02079460000"' in text
    assert "Merseyside" not in text


def test_a_number_that_no_row_has_is_not_found(trial: FlaskClient) -> None:
    assert trial.get(f"/trial/row/{2**31 - 1}").status_code == 200
    assert trial.get(f"/trial/row/{2**31}").status_code == 404
