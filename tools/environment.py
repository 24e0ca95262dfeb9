"""Makes .venv with the pinned packages and fetches the front-end files; does nothing twice.

Runs with any Python 3.11, before there is a virtual environment: standard library only.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements.txt"

# pyscard is built on this machine: these show whether that can succeed.
COMPILERS = ("cc", "gcc", "clang")
PCSC_HEADERS = ("/usr/include/PCSC/winscard.h", "/usr/local/include/PCSC/winscard.h")


def digest(*parts: object) -> str:
    """Return a digest of files (by their content) and texts."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, Path) else str(part).encode())
        total.update(b"\0")
    return total.hexdigest()


class Stamp:
    """A file that says what was done last, so that it is not done again."""

    def __init__(self, name: str, meaning: str) -> None:
        self.file = VENV / f".{name}"
        self.meaning = meaning

    @property
    def is_current(self) -> bool:
        return self.file.exists() and self.file.read_text() == self.meaning

    def set(self) -> None:
        self.file.write_text(self.meaning)


def make_venv() -> None:
    if PYTHON.exists():
        return
    print("Making the virtual environment .venv …", flush=True)
    try:
        venv.create(VENV, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, OSError, ImportError) as error:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SystemExit(
            f"The virtual environment cannot be made: {error}\n"
            "On Debian and Ubuntu this needs the package python3-venv."
        ) from None


def pip_install(*what: str) -> subprocess.CompletedProcess[str]:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    return subprocess.run(
        [*pip, *what],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def split_requirements() -> tuple[str, str]:
    """Return the pinned packages that come ready-made, and pyscard's line."""
    lines = REQUIREMENTS.read_text().splitlines()
    pyscard = next(line for line in lines if re.match(r"pyscard\b", line))
    return "\n".join(line for line in lines if line != pyscard), pyscard


def install_requirements(ready_made: str) -> None:
    stamp = Stamp("requirements", digest(ready_made, sys.version))
    if stamp.is_current:
        return
    print("Installing the pinned Python packages (once; about a minute) …", flush=True)
    started = time.monotonic()
    listed = VENV / "requirements.txt"
    listed.write_text(ready_made)
    done = pip_install("--requirement", str(listed))
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\npip could not install the packages.")
    stamp.set()
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)


def install_pyscard(pyscard: str, *, needed: bool) -> None:
    """Build pyscard. Where that fails, tell it, and try again once something has changed."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    header = next(filter(os.path.exists, PCSC_HEADERS), None)
    meaning = digest(pyscard, sys.version, compiler, header)
    built, failed = Stamp("pyscard", meaning), Stamp("pyscard-failed", meaning)
    if built.is_current or (failed.is_current and not needed):
        return
    print("Building pyscard, for the readers of this machine …", flush=True)
    done = pip_install(pyscard)
    if done.returncode == 0:
        built.set()
        return
    failed.set()
    print(
        "  pyscard could not be built: it needs a C compiler, the headers of Python and of PC/SC\n"
        "  (Debian: gcc python3-dev libpcsclite-dev). Virtual readers work without it.",
        flush=True,
    )
    if needed:
        raise SystemExit(f"{done.stdout}{done.stderr}")


def fetch_front_end() -> None:
    done = subprocess.run([PYTHON, "-m", "tools.frontend"], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit("The front-end files could not be fetched; the reason is above.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--with-pcsc", action="store_true", help="fail where pyscard cannot be built"
    )
    arguments = parser.parse_args()
    os.chdir(ROOT)
    make_venv()
    ready_made, pyscard = split_requirements()
    install_requirements(ready_made)
    install_pyscard(pyscard, needed=arguments.with_pcsc or os.environ.get("READERS") == "pcsc")
    fetch_front_end()


if __name__ == "__main__":
    main()
