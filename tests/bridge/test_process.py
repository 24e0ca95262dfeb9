"""The bridge as a program: its command line, its words, and what its log may hold."""

import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from reader_bridge import settings
from reader_bridge.__main__ import main
from tests.parts import work
from tests.parts.bridge import Page, TicketOffice, bridge_settings
from tests.parts.bridge_process import bridge_process
from tests.parts.issued import issued_card

SENTINEL = "Zq9!Wv3#"  # a passcode that is found in no other text
SENTINEL_NEW = "Xk5?Rt8+"


@dataclass(frozen=True)
class Said:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def bridge(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Runs what a command line asks for, in this process: ``bridge("--config", file)``."""

    def run(*arguments: object, typed: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:  # as argparse ends
            status = int(end.code or 0)
        return Said(status, *capsys.readouterr())

    return run


@pytest.fixture
def config(tmp_path: Path, office: TicketOffice) -> Path:
    file = tmp_path / "bridge.toml"
    chosen = bridge_settings(tmp_path, office.jwk)
    virtual = replace(chosen.virtual, inserted={"Virtual reader 1": "one"})
    file.write_text(settings.as_toml(replace(chosen, virtual=virtual)), "utf-8")
    issued_card(tmp_path / "cards" / "one.json", passcode=SENTINEL)
    return file


def test_the_log_holds_no_passcode_and_no_ticket_at_any_level(config, office):
    with bridge_process(config) as running:
        with Page(running.port) as page:
            card = page.read_card()
            items = [work.sign()]
            ticket = office.ticket(page.sid, card["seat"], card["guid"], items)
            assert "ok" in page.ask("step", ticket=ticket, passcode=SENTINEL)
            page.step(office, card, items, passcode=SENTINEL_NEW)  # wrong
            page.step(
                office,
                card,
                [work.change_passcode()],
                passcode=SENTINEL,
                new_passcode=SENTINEL_NEW,
            )
            page.step(office, card, [work.change_passcode()], passcode=[SENTINEL])
            page.ask("step", ticket=SENTINEL, passcode=SENTINEL)
            page.ask(SENTINEL, passcode=SENTINEL)
            page.send('{"command": "step", "passcode": "' + SENTINEL)
            page.send({"id": SENTINEL, "command": "desk", "action": SENTINEL, "card": SENTINEL})
            while SENTINEL not in page.answers:
                page.hear()
            page.send({"command": "step", "passcode": SENTINEL * 20_000})  # too large a frame
        with Page(running.port) as again:
            again.ask("desk", action="list")
        text = running.log.read_text()
    assert "asked: step" in text, "the log is not at debug level"
    assert SENTINEL not in text
    assert SENTINEL_NEW not in text
    assert ticket.split(".")[2] not in text
    for digits in (SENTINEL.encode().hex(), SENTINEL_NEW.encode().hex()):
        assert digits not in text.lower().replace(" ", "")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_bridge_that_is_told_to_end_says_goodbye_and_ends(config, how):
    with bridge_process(config) as running:
        assert running.port_file.read_text() == f"{running.port}\n"
        page = Page(running.port)
        running.process.send_signal(how)
        assert running.process.wait(30) == 0
        assert not running.port_file.exists()
        page.close()


def test_two_bridges_of_one_pc_take_two_ports(config):
    with bridge_process(config) as first:
        other = config.with_name("other.toml")
        text = config.read_text("utf-8").replace("first_port = 0", f"first_port = {first.port}")
        other.write_text(text, "utf-8")
        with bridge_process(other) as second:
            assert first.port < second.port < first.port + 10


def test_help_tells_what_can_be_said(bridge):
    said = bridge("--help")
    assert said.returncode == 0
    for word in ("--config", "--server", "--show-workstation", "--readers"):
        assert word in said.stdout


def test_the_workstation_is_shown_for_its_enrolment(bridge, config):
    said = json.loads(bridge("--config", config, "--show-workstation").stdout)
    assert settings.thumbprint(said["jwk"]) == said["thumbprint"]
    assert "d" not in said["jwk"]


@pytest.mark.parametrize(
    ("text", "word"),
    [("origins = [", "TOML"), ("origins = []", "origins"), ("speed = 1", "unknown settings")],
)
def test_wrong_settings_are_told_in_one_line(bridge, tmp_path, text, word):
    file = tmp_path / "bridge.toml"
    file.write_text(text, "utf-8")
    said = bridge("--config", file)
    assert said.returncode == 2
    assert word in said.stderr
    assert "Traceback" not in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


def test_no_settings_at_all_says_how_to_get_some(bridge, tmp_path):
    said = bridge("--config", tmp_path / "none.toml")
    assert said.returncode == 2
    assert "--server" in said.stderr


def test_the_command_line_comes_before_the_file(bridge, config, tmp_path):
    said = bridge("--config", config, "--state", tmp_path / "other", "--show-workstation")
    assert (tmp_path / "other" / "workstation.pem").exists()
    assert said.returncode == 0


def test_virtual_readers_need_no_pyscard(config, tmp_path):
    """An empty module of that name stands for a PC on which it could not be built."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "smartcard.py").write_text("raise ImportError\n")
    environment = {**os.environ, "PYTHONPATH": str(hidden)}
    with (
        bridge_process(config, "--readers", "both", environment=environment) as running,
        Page(running.port) as page,
    ):
        lost = [event for event in page.events if event["event"] == "readers-unavailable"]
        assert [event["reason"] for event in lost] == ["not-installed"]
        assert page.read_card()["virtual"] is True


# The first run by hand


@contextmanager
def service(answer: dict[str, Any] | None) -> Iterator[str]:
    """A service that hands out these settings; "ORIGIN" in them is its own origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/bridge/configuration" and answer is not None
            self.send_response(200 if found else 404)
            self.end_headers()
            if found:
                self.wfile.write(json.dumps(answer).replace("ORIGIN", url).encode())

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("typed", "written"), [("yes\n", True), ("no\n", False), ("", False)])
def test_settings_of_a_service_are_kept_when_a_person_says_yes(
    bridge, tmp_path, office, typed, written
):
    file = tmp_path / "new" / "bridge.toml"
    with service({"origin": "ORIGIN", "keys": [office.jwk], "first_port": 28500}) as url:
        said = bridge("--server", url, "--config", file, typed=typed)
    assert settings.thumbprint(office.jwk) in said.stdout
    assert file.exists() is written
    assert said.returncode == (0 if written else 1)
    if written:
        read = settings.load(file)
        assert read.origins == (url,)
        assert read.readers is settings.ReaderKinds.PCSC
        assert read.first_port == 28500


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"origin": "https://other.test", "keys": []}, {"origin": "ORIGIN", "keys": [{}]}],
)
def test_a_service_without_right_settings_is_told_in_words(bridge, tmp_path, answer):
    with service(answer) as url:
        said = bridge("--server", url, "--config", tmp_path / "bridge.toml", typed="yes\n")
    assert said.returncode == 2
    assert "Traceback" not in said.stderr
    assert not (tmp_path / "bridge.toml").exists()


def test_a_service_may_not_name_another_ones_origin(bridge, tmp_path, office):
    with service({"origin": "https://other.test", "keys": [office.jwk]}) as url:
        said = bridge("--server", url, "--config", tmp_path / "bridge.toml", typed="yes\n")
    assert said.returncode == 2
    assert "other.test" in said.stderr


@pytest.mark.parametrize("url", ["http://identity.test", "identity.test", "file:///etc/passwd"])
def test_settings_are_not_fetched_over_an_open_line(bridge, tmp_path, url):
    said = bridge("--server", url, "--config", tmp_path / "bridge.toml", typed="yes\n")
    assert said.returncode == 2
