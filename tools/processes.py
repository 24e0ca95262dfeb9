"""Programs that belong together: started one by one, ended all at once, never left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None)  # before any fork: nothing may be loaded after it
SECONDS_TO_END = 5


class DidNotStart(Exception):
    """A program ended, or did not answer, before it was ready. The text says which and why."""


@dataclass
class Program:
    """A running program and the file that has its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def last_words(self, lines: int = 15) -> str:
        """Return the end of its output."""
        text = self.log.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def signal(self, number: int) -> None:
        """Send a signal to the program and everything that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def _end_with_parent(parent: int) -> None:
    """Ask Linux to end this program when its parent ends, even by SIGKILL."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)


class Family:
    """Programs that run side by side; use it with ``with``, and none of them outlives it."""

    def __init__(self, logs: Path, *, patience: float = SECONDS_TO_END) -> None:
        self._logs = logs
        self._patience = patience
        self.programs: list[Program] = []
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Family":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        ready: Callable[[], bool] | None = None,
        seconds: float = 30,
    ) -> Program:
        """Start a program, in a process group of its own, and wait until it is ``ready``.

        Raises:
            DidNotStart: it ended, or was not ready in time.
        """
        log = self._logs / f"{name.replace(' ', '-')}.log"
        parent = os.getpid()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*map(str, command)],
                env=dict(environment),
                cwd=Path(__file__).resolve().parent.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: _end_with_parent(parent),
            )
        program = Program(name, process, log)
        self.programs.append(program)
        until = time.monotonic() + seconds
        while ready is not None and not ready():
            if program.has_ended:
                raise DidNotStart(f"The {name} ended at once. It said:\n{program.last_words()}")
            if time.monotonic() > until:
                raise DidNotStart(
                    f"The {name} was not ready after {seconds:.0f} s. It said:\n"
                    f"{program.last_words()}"
                )
            time.sleep(0.02)
        return program

    def first_to_end(self) -> Program:
        """Wait until one of the programs ends, and return it."""
        while True:
            for program in self.programs:
                if program.has_ended:
                    return program
            time.sleep(0.2)

    def stop(self, *programs: Program) -> None:
        """End the named programs, or all: the youngest first, by force if they take too long."""
        ending = [each for each in reversed(self.programs) if not programs or each in programs]
        for program in ending:
            program.signal(signal.SIGTERM)
        until = time.monotonic() + self._patience
        for program in ending:
            try:
                program.process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                program.signal(signal.SIGKILL)
                program.process.wait()
            program.signal(signal.SIGKILL)  # what it may have left in its group
            self.programs.remove(program)
