"""Everything that can be checked without running the product."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff", "check", "--quiet", "."),
    ("ruff", "format", "--check", "--quiet", "."),
    ("mypy", "--no-error-summary"),
    ("lint-imports", "--no-logo"),
)


def main() -> None:
    started = [
        subprocess.Popen(
            [BIN / name, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, *arguments in CHECKS
    ]
    failed = []
    for check, done in zip(CHECKS, started, strict=True):
        said, _ = done.communicate()
        if done.returncode:
            print(said)
            failed.append(" ".join(check))
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")
    print("ruff, mypy and import-linter have nothing to say.", flush=True)


if __name__ == "__main__":
    main()
