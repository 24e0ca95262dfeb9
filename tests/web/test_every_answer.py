"""What every answer carries, whatever kind it is."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

import config as settings
from app import create_app, security_headers
from tests.web.conftest import FRAGMENT

KINDS = [
    "/healthz",
    "/nowhere",
    "/trial/parts",
    "/trial/conflict",
    "/trial/broken",
    "/trial/unmarked",
    "/trial/refused/413",
]


@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("headers", [{}, FRAGMENT, {"Accept": "application/json"}])
def test_pages_fragments_json_and_errors_carry_the_same_policy(
    trial: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    answer = trial.get(path, headers=headers)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_the_policy_lets_the_page_reach_the_bridge_s_ten_addresses_and_no_other(
    trial: FlaskClient,
) -> None:
    policy = trial.get("/nowhere").headers["Content-Security-Policy"]
    connect = re.search(r"connect-src ([^;]+)", policy)
    assert connect
    assert connect[1].split() == ["'self'"] + [
        f"{scheme}://127.0.0.1:{port}" for scheme in ("ws", "http") for port in range(27500, 27510)
    ]


def test_the_bridge_s_first_port_is_a_setting() -> None:
    assert "http://127.0.0.1:40009;" in security_headers.content_security_policy([], 40000)


def test_the_only_inline_script_of_a_page_is_the_one_that_the_policy_names(
    trial: FlaskClient,
) -> None:
    answer = trial.get("/nowhere")
    hashes = security_headers.script_hashes(answer.text)
    assert len(hashes) == 1
    assert hashes[0] in answer.headers["Content-Security-Policy"]
    assert not re.search(r"\son[a-z]+=|\sstyle=|<style", answer.text)


def test_an_address_answers_pages_and_fragments_and_says_so(trial: FlaskClient) -> None:
    assert "HX-Request" in trial.get("/trial/parts").vary
    assert "HX-Request" in trial.get("/trial/parts", headers=FRAGMENT).vary


def test_https_is_remembered_where_the_service_is_reached_by_it(
    trial: FlaskClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secure = create_app(
        settings.Testing(INSTANCE=tmp_path_factory.mktemp("secure"), ORIGIN="https://cis.example")
    )
    answer = secure.test_client().get("/nowhere", base_url="https://cis.example")
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert answer.headers["Set-Cookie"].startswith("__Host-cis=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in trial.get("/nowhere").headers


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(trial: FlaskClient) -> None:
    cookie = trial.get("/nowhere").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_whoever_watches_over_the_service_gets_no_cookie(trial: FlaskClient) -> None:
    assert "Set-Cookie" not in trial.get("/healthz").headers


def test_a_static_file_is_kept_for_good_under_an_address_that_changes_with_it(
    trial_app: Flask, trial: FlaskClient
) -> None:
    answer = trial.get(f"{trial_app.static_url_path}/css/app.css")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert trial.get("/static/another-hash/css/app.css").status_code == 404


@pytest.mark.parametrize("name", ["css/app.css", "js/app.js", "img/portrait.svg"])
def test_a_file_that_pages_are_made_of_may_do_nothing_by_itself(
    trial_app: Flask, trial: FlaskClient, name: str
) -> None:
    headers = trial.get(f"{trial_app.static_url_path}/{name}").headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_file_that_is_not_there_is_answered_by_a_page_with_the_page_s_policy(
    trial_app: Flask, trial: FlaskClient
) -> None:
    answer = trial.get(f"{trial_app.static_url_path}/css/none.css")
    assert answer.mimetype == "text/html"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_request_s_number_is_on_the_page_that_tells_of_a_fault(trial: FlaskClient) -> None:
    answer = trial.get("/trial/broken")
    assert answer.headers["X-Request-ID"][:12] in answer.text


def test_a_line_of_the_log_holds_no_query_body_or_cookie(
    trial: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    trial.set_cookie("cis", "a-cookie-to-keep")
    trial.post("/trial/form?token=in-the-query", data={"answer": "in-the-body"})
    trial.get("/trial/broken")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    answered = next(line for line in lines if line["event"] == "answered")
    assert answered["path"] == "/trial/form"
    assert answered["request_id"]
    logged = json.dumps(lines)
    for kept in ("in-the-query", "in-the-body", "a-cookie-to-keep", "hunter2"):
        assert kept not in logged
    assert "RuntimeError" in logged
