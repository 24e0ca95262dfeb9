"""Runs the tests on all cores, so that pytest's own closing line is the last one.

`--soak` runs what takes long: many times the examples of the property tests, and the tests that
are marked `soak`.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    arguments = sys.argv[1:]
    soak = "--soak" in arguments
    chosen = [argument for argument in arguments if argument != "--soak"]
    workers = os.environ.get("TEST_WORKERS", str(os.cpu_count() or 2))
    command = [sys.executable, "-m", "pytest", "-n", workers, "--dist", "loadgroup"]
    if soak:
        os.environ["HYPOTHESIS_PROFILE"] = "soak"
        command += ["--timeout", "1800", "--durations", "10", "-m", "soak or hypothesis"]
    os.chdir(ROOT)
    os.execv(sys.executable, [*command, *chosen])  # noqa: S606


if __name__ == "__main__":
    main()
