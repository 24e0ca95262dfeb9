"""`python -m reader_bridge --enrol CODE`: brought to a real server, over a socket."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from flask import Flask

from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import Workstation
from app.services import install_codes, workstations
from reader_bridge import settings
from reader_bridge.__main__ import main
from reader_bridge.workstation import load_or_make
from tests.parts.bridge import TicketOffice


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def service(app: Flask) -> Iterator[str]:
    """The server of the product on a port of its own; returns its origin."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        app.config["ORIGIN"] = origin
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        app.extensions.pop("card_office", None)
        yield origin
        server.shutdown()
        app.extensions.pop("card_office", None)


@pytest.fixture
def code(app: Flask, clock) -> str:
    with app.app_context():
        return install_codes.make(label="Ward 4", uses=1, actor=None, now=clock()).code


@pytest.fixture
def config(tmp_path: Path, office: TicketOffice, service: str) -> Path:
    return settings_for(tmp_path, office, service)


def settings_for(folder: Path, office: TicketOffice, *origins: str) -> Path:
    file = folder / "bridge.toml"
    lines = [f"origins = {json.dumps(origins)}", f"state = {json.dumps(str(folder))}"]
    lines += ["[[keys]]", *(f'{name} = "{office.jwk[name]}"' for name in ("kty", "crv", "x"))]
    file.write_text("\n".join(lines), "utf-8")
    assert settings.load(file).origins == origins
    return file


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Runs a command line in this process, and returns its status and all that it said."""

    def run(*arguments: object, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def enrolled(app: Flask) -> list[str]:
    with app.app_context():
        rows = db.session.query(Workstation).filter_by(status=WorkstationStatus.ENROLLED)
        return [row.thumbprint for row in rows]


def test_a_code_enrols_this_pc_by_its_own_key(run, app, config, code, tmp_path, service):
    status, said = run("--config", config, "--enrol", code)
    assert status == 0, said
    own = load_or_make(tmp_path).thumbprint
    assert enrolled(app) == [own]
    assert f"enrolled at {service}" in said
    assert own in said
    assert code not in said


def test_a_code_can_be_typed_so_that_no_list_of_processes_shows_it(run, app, config, code):
    status, _ = run("--config", config, "--enrol", "-", typed=f"{code}\n")
    assert status == 0
    assert len(enrolled(app)) == 1


def test_a_code_that_is_not_good_is_told_in_words(run, app, config, code, tmp_path):
    status, said = run("--config", config, "--enrol", "AAAA-BBBB")
    assert status == 1
    assert "not accepted" in said
    assert enrolled(app) == []
    assert "Traceback" not in said


def test_a_blocked_pc_is_told_so(run, app, config, code, tmp_path, clock):
    run("--config", config, "--enrol", code)
    with app.app_context():
        own = load_or_make(tmp_path).thumbprint
        workstations.block(own, reason="Stolen", actor=None, now=clock())
        other = install_codes.make(label="Ward 4", uses=1, actor=None, now=clock()).code
    status, said = run("--config", config, "--enrol", other)
    assert status == 1
    assert "blocked" in said
    assert enrolled(app) == []


def test_too_many_tries_are_told_as_that(run, app, config, clock):
    for _ in range(install_codes.MOST_TRIES):
        run("--config", config, "--enrol", "wrong")
    status, said = run("--config", config, "--enrol", "wrong")
    assert status == 1
    assert "Wait" in said


def test_a_first_run_installs_and_enrols_at_one_stroke(run, app, service, code, tmp_path, office):
    app.config["TICKET_KEY"] = office.key.as_pem(private=True).decode()
    file, state = tmp_path / "new" / "bridge.toml", tmp_path / "state"
    arguments = ("--server", service, "--enrol", code, "--config", file, "--state", state)
    assert run(*arguments, typed="no\n")[0] == 1
    assert enrolled(app) == []
    status, said = run(*arguments, typed="yes\n")
    assert status == 0, said
    assert enrolled(app) == [load_or_make(state).thumbprint]
    # Again, with settings that are there: nobody is asked, and nothing is used up
    assert run(*arguments)[0] == 0


def test_of_several_services_the_code_goes_to_the_one_that_is_named(
    run, app, office, service, code, tmp_path
):
    file = settings_for(tmp_path, office, "https://other.test", service)
    status, said = run("--config", file, "--enrol", code)
    assert status == 2
    assert "--server" in said
    assert run("--config", file, "--enrol", code, "--server", service)[0] == 0
    assert len(enrolled(app)) == 1


def test_a_code_is_not_sent_over_an_open_line(run, office, tmp_path):
    file = settings_for(tmp_path, office, "http://identity.test")
    status, said = run("--config", file, "--enrol", "AAAA")
    assert status == 2
    assert "not protected" in said


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """A service that gives one and the same answer, and remembers what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b"[]"), (200, b"{}"), (404, b"{}"), (500, b"<html>"), (200, b"\xff")],
)
def test_what_is_not_the_service_is_told_in_one_line(run, office, tmp_path, status, body):
    with answering(status, body) as (origin, asked):
        file = settings_for(tmp_path, office, origin)
        code, said = run("--config", file, "--enrol", "AAAA")
    assert code == 2
    assert len(said.strip().splitlines()) == 1
    assert asked == ["GET /bridge/enrolment"]


def test_a_service_cannot_send_the_code_on_to_another(run, office, tmp_path):
    with (
        answering(200, b'{"challenge": "x"}') as (elsewhere, asked),
        answering(302, b"{}", Location=f"{elsewhere}/bridge/enrolment") as (origin, _),
    ):
        file = settings_for(tmp_path, office, origin)
        assert run("--config", file, "--enrol", "AAAA")[0] == 2
    assert asked == []


def test_the_help_tells_of_it(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--enrol CODE" in capsys.readouterr().out
