"""Programs that belong together end together, whatever happens to the one that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.processes import DidNotStart, Family

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for_end(pid: int, seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while is_running(pid):
        assert time.monotonic() < until, f"process {pid} is still there"
        time.sleep(0.02)


def test_leaving_the_family_ends_every_program(tmp_path: Path) -> None:
    with Family(tmp_path) as family:
        pids = [
            family.start(name, SLEEP, environment=os.environ).process.pid for name in ("one", "two")
        ]
        assert all(is_running(pid) for pid in pids)
    assert not any(is_running(pid) for pid in pids)


def test_a_program_that_will_not_end_is_ended_by_force_with_its_children(tmp_path: Path) -> None:
    with Family(tmp_path, patience=0.2) as family:
        deaf = family.start("deaf", [sys.executable, "-c", DEAF], environment=os.environ)
        until = time.monotonic() + 10
        while not deaf.log.read_text().strip():
            assert time.monotonic() < until
            time.sleep(0.02)
        child = int(deaf.log.read_text())
        assert is_running(child)
    assert not is_running(deaf.process.pid)
    wait_for_end(child)


def test_programs_end_when_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    script = f"""
import os, sys, time
from pathlib import Path
from tools.processes import Family
with Family(Path({str(tmp_path)!r})) as family:
    program = family.start("child", {SLEEP!r}, environment=os.environ)
    print(program.process.pid, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(signal.SIGKILL)
    wait_for_end(child)


def test_the_first_program_to_end_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Family(tmp_path) as family:
        family.start("lasting", SLEEP, environment=os.environ)
        family.start("brief", [sys.executable, "-c", "print('farewell')"], environment=os.environ)
        ended = family.first_to_end()
        assert (ended.name, ended.last_words()) == ("brief", "farewell")


def test_a_program_that_ends_before_it_is_ready_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such card')"]
    with Family(tmp_path) as family, pytest.raises(DidNotStart, match="no such card"):
        family.start("server", command, environment=os.environ, ready=lambda: False)


def test_a_program_that_is_never_ready_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with Family(tmp_path) as family, pytest.raises(DidNotStart, match="not ready after 0 s"):
        family.start("server", SLEEP, environment=os.environ, ready=lambda: False, seconds=0.1)
