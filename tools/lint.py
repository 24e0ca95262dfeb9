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
    failed = []
    for name, *arguments in CHECKS:
        done = subprocess.run(
            [BIN / name, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(done.stdout + done.stderr)
            failed.append(" ".join((name, *arguments)))
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")
    print("ruff, mypy and import-linter have nothing to say.", flush=True)


if __name__ == "__main__":
    main()
