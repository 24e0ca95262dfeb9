"""A certificate authority for tests: made once for a run, opened as the server opens it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.card_operations.office import Office, office_of
from app.pki.authority import BuiltInAuthority
from tests.parts.clock import START

PASSPHRASE = "of the tests"
ORIGIN = "http://pki.example.org"


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority") / "pki"
    a_year_ago = START - timedelta(days=365)
    BuiltInAuthority.create(folder, PASSPHRASE.encode(), now=a_year_ago, origin=ORIGIN)
    return folder


@pytest.fixture
def authority_office(app: Flask, authority_folder: Path) -> Iterator[Office]:
    """The application, with an authority of its own."""
    app.config.update(
        PKI_FOLDER=str(authority_folder), ISSUER_PASSPHRASE=PASSPHRASE, PKI_ORIGIN=ORIGIN
    )
    app.extensions.pop("card_office", None)
    yield office_of(app)
    app.extensions.pop("card_office", None)
