"""Runs the tests on all cores, so that pytest's own closing line is the last one.

`--soak` runs what takes long: the tests that are marked `soak`, once, and the property tests with
many examples, again and again with other seeds until SOAK_MINUTES (60) are over. Each round says
its seed; SOAK_SEED=that runs the round again.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOAK_MINUTES = 60.0
# Databases and cards of the tests are written a great deal, and kept by nobody
MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108  # pytest makes a folder of its own there


def main() -> None:
    arguments = sys.argv[1:]
    chosen = [argument for argument in arguments if argument != "--soak"]
    # One more than there are cores: tests of browsers and cards wait a good deal
    workers = os.environ.get("TEST_WORKERS", str((os.cpu_count() or 2) + 1))
    # In the order of the folders: nothing that a folder starts is started twice
    command = [sys.executable, "-m", "pytest", "-n", workers, "--no-loadscope-reorder"]
    os.chdir(ROOT)
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if "--soak" in arguments:
        sys.exit(soak(command, chosen))
    os.execv(sys.executable, [*command, *chosen])  # noqa: S606


def soak(command: list[str], chosen: list[str]) -> int:
    """Run rounds until time is over or one fails; return that round's exit status.

    A round that has begun is brought to its end.
    """
    end = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", SOAK_MINUTES))
    given = os.environ.get("SOAK_SEED")
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "soak"}
    which = "soak or hypothesis"
    number = 0
    while True:
        number += 1
        seed = given or str(random.SystemRandom().randrange(2**32))
        print(f"round {number}: SOAK_SEED={seed}", flush=True)
        options = ["--timeout", "1800", "--durations", "10", "-m", which]
        done = subprocess.run(
            [*command, *options, f"--hypothesis-seed={seed}", *chosen], env=environment
        )
        if done.returncode or given or time.monotonic() > end:
            return done.returncode
        which = "hypothesis"


if __name__ == "__main__":
    main()
