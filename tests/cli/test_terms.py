"""`flask terms`: publishing, listing, and checking what cards signed."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.cli.terms import WORDS, sentence
from app.pki.authority import BuiltInAuthority
from app.services.terms_evidence import Finding, Flaw
from tests.parts.clock import START

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "terms.txt"
    file.write_text("1. Your card\n\nKeep it with you – always.\n", encoding="utf-8")
    return file


def run(app: Flask, *words: object) -> Result:
    return app.test_cli_runner().invoke(args=["terms", *(str(word) for word in words)])


def test_a_published_text_is_in_the_list(app: Flask, text: Path) -> None:
    published = run(app, "publish", text, "--version", 1, "--title", "Our terms")
    assert published.exit_code == 0
    assert "Version 1 is in force" in published.output
    listed = run(app, "list").output
    assert "23 November 2026" in listed
    assert "accepted by 0 people" in listed
    assert "Our terms" in listed


def test_the_same_version_is_not_published_twice(app: Flask, text: Path) -> None:
    run(app, "publish", text, "--version", 1)
    again = run(app, "publish", text, "--version", 1)
    assert again.exit_code == 1
    assert "the next version is 2" in again.output


@pytest.mark.parametrize(("content", "problem"), [(b"\xff\xfe", "not UTF-8"), (b" \n", "empty")])
def test_a_file_without_a_readable_text_is_refused(
    app: Flask, text: Path, content: bytes, problem: str
) -> None:
    text.write_bytes(content)
    refused = run(app, "publish", text, "--version", 1)
    assert refused.exit_code == 1
    assert problem in refused.output


def test_a_check_without_any_acceptance_finds_nothing_wrong(app: Flask, tmp_path: Path) -> None:
    BuiltInAuthority.create(tmp_path / "pki", b"of the tests", now=START)
    app.config.update(PKI_FOLDER=str(tmp_path / "pki"), ISSUER_PASSPHRASE="of the tests")
    app.extensions.pop("card_office", None)
    checked = run(app, "verify")
    app.extensions.pop("card_office", None)
    assert checked.exit_code == 0
    assert "0 acceptances checked, 0 proving nothing" in checked.output


@pytest.mark.parametrize("flaw", Flaw)
def test_every_flaw_has_its_words(flaw: Flaw) -> None:
    told = sentence(Finding(7, "500200300101", 2, START, flaw))
    assert told.startswith(
        "acceptance 7: version 2 by 500200300101, recorded on 23 November 2026: "
    )
    assert WORDS[flaw] in told
