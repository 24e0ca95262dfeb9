"""`make demo`, as a person at a terminal has it: it starts, says where to go, and ends cleanly."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo.test_processes import is_running
from tests.parts.ports import accepts, free_port
from tests.parts.service import prepared_in
from tools.demo import MARK, READY
from tools.installation import ROOT

START_SECONDS = 90


class Terminal:
    """A running demonstration and what it has printed."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.printed: list[str] = []
        ports = {
            "DEMO_PORT": str(self.port),
            "BRIDGE_PORT": str(min(free_port(), 65_500)),
            "MAIL_PORT": str(free_port()),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.demo"],
            cwd=ROOT,
            env=os.environ | ports | {"DEMO_FOLDER": str(folder)} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.printed.extend(self.process.stdout)

    @property
    def text(self) -> str:
        return "".join(self.printed)

    def wait_for(self, words: str) -> None:
        until = time.monotonic() + START_SECONDS
        while words not in self.text:
            assert self.process.poll() is None or words in self.text, self.text
            assert time.monotonic() < until, self.text
            time.sleep(0.05)

    def wait_for_end(self) -> int:
        status = self.process.wait(timeout=20)
        self._reader.join(timeout=5)
        return status

    def children(self) -> list[int]:
        """Return the processes that it has started, by asking the system."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid:
                found.append(int(folder.name))
        return found


@contextmanager
def demonstration(folder: Path, **settings: str) -> Iterator[Terminal]:
    terminal = Terminal(folder, **settings)
    try:
        yield terminal
    finally:
        terminal.process.terminate()
        terminal.wait_for_end()


@pytest.fixture
def prepared(shared_folder: Path, tmp_path: Path) -> Path:
    """A folder in which a demonstration has been before."""
    installation = prepared_in(shared_folder / "prepared-service")
    folder = tmp_path / "instance"
    shutil.copytree(installation.folder, folder)
    (folder / MARK).write_text(READY)
    return folder


def test_it_says_where_to_go_and_ends_cleanly_on_ctrl_c(prepared: Path) -> None:
    with demonstration(prepared) as terminal:
        terminal.wait_for("Ctrl-C ends everything")
        address = f"http://127.0.0.1:{terminal.port}/sign-in"
        assert address in terminal.text
        with urllib.request.urlopen(address) as answer:
            assert b"Sign in" in answer.read()
        children = terminal.children()
        assert len(children) == 4, "bridge, mail catcher, server, mail delivery"
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait_for_end() == 0
        assert "Traceback" not in terminal.text
        assert not any(is_running(child) for child in children)
        assert not accepts(terminal.port)


def test_one_program_that_ends_takes_the_others_with_it(prepared: Path) -> None:
    with demonstration(prepared) as terminal:
        terminal.wait_for("Ctrl-C ends everything")
        children = terminal.children()
        os.kill(children[0], signal.SIGKILL)
        assert terminal.wait_for_end() == 1
        assert "has ended, so everything ends" in terminal.text
        assert not any(is_running(child) for child in children)


def test_a_folder_with_somebody_elses_data_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "cis.db"
    database.write_text("years of work")
    with demonstration(tmp_path, FRESH="1") as terminal:
        assert terminal.wait_for_end() == 1
    assert "did not make" in terminal.text
    assert database.read_text() == "years of work"
