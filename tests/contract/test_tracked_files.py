"""What the tree promises to whoever clones it: nothing in it belongs to one machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = {"", ".py", ".md", ".toml", ".txt", ".json", ".js", ".css", ".html", ".mako", ".ini", ".yml"}
MOST_LINES = 400


ONE_MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|opt)/|/home/(?!me/)\w"
    r"|registry\.npmjs|pythonhosted\.org|deb\.debian\.org|(?:index|find)-(?:url|links)"
)
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|raise NotImplementedError)\b")


def tracked() -> list[Path]:
    """Return the text files that a clone has, but for this one, which names what it looks for."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.suffix in TEXT and file != Path(__file__)]


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in tracked()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_place_on_one_machine_or_a_registry() -> None:
    assert lines_that_match(ONE_MACHINE) == []


def test_no_file_speaks_of_work_that_is_not_done() -> None:
    assert lines_that_match(UNFINISHED) == []


@pytest.mark.parametrize("text", ["cd /work/main", "/root/.npmrc", "https://registry.npmjs.org/x"])
def test_the_pattern_finds_what_it_looks_for(text: str) -> None:
    assert ONE_MACHINE.search(text)


def test_every_python_file_is_short_enough_to_be_read_at_once() -> None:
    long = {}
    for file in tracked():
        name, lines = str(file.relative_to(ROOT)), len(file.read_text("utf-8").splitlines())
        is_record = "versions" in file.parts  # a migration: as it was generated
        if file.suffix == ".py" and not is_record and lines > MOST_LINES:
            long[name] = lines
    assert long == {}


def test_every_version_is_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.\-\[\]]+==[\w.]+", line)] == []
