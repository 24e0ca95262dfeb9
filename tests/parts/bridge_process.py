"""The bridge as the program that it is, started from a settings file."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

GOODBYE_SECONDS = 10


@dataclass(frozen=True)
class BridgeProcess:
    """A bridge that is listening. ``log`` is everything it has written, at debug level."""

    process: subprocess.Popen[str]
    port: int
    log: Path
    port_file: Path


@contextmanager
def bridge_process(
    config: Path, *more: str, environment: Mapping[str, str] | None = None
) -> Iterator[BridgeProcess]:
    """Run ``python -m reader_bridge`` as long as the ``with`` block."""
    log, port_file = config.with_suffix(".log"), config.with_suffix(".port")
    command = [sys.executable, "-m", "reader_bridge", "--config", str(config)]
    command += ["--log-level", "debug", "--port-file", str(port_file), *more]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command,
            env=dict(environment or os.environ),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("reader bridge on port "), log.read_text()
        yield BridgeProcess(process, int(said.split()[-1]), log, port_file)
    finally:
        process.terminate()
        process.wait(GOODBYE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
