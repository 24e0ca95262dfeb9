"""`flask keys create`: secrets with which Production starts, readable by their owner alone."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

import config as settings
from app.card_operations.tickets import TicketKeys
from app.pki.authority import BuiltInAuthority
from app.vault import Vault


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def create(app: Flask, folder: Path) -> Result:
    return app.test_cli_runner().invoke(args=["keys", "create", str(folder)])


def test_what_it_prints_is_what_production_needs_to_start(app: Flask, folder: Path) -> None:
    printed = create(app, folder).output
    environment = dict(line.split("=", 1) for line in printed.splitlines())
    config = settings.Production({**environment, "ORIGIN": "https://identity.example.org"})
    assert all(getattr(config, name) for name in settings.SECRETS)


def test_each_part_of_the_server_can_use_its_secret(app: Flask, folder: Path) -> None:
    create(app, folder)
    text = {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}
    vault = Vault.from_settings(text["VAULT_KEY"], None)
    assert vault is not None
    assert TicketKeys.from_pem(text["TICKET_KEY"], None)
    BuiltInAuthority.open(
        folder / "pki", text["ISSUER_PASSPHRASE"].encode(), origin="https://identity.example.org"
    )


def test_only_the_owner_can_read_them(app: Flask, folder: Path) -> None:
    create(app, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [file for file in folder.rglob("*") if file.is_file()]
    secret = [file for file in files if "BEGIN CERTIFICATE" not in file.read_text()]
    assert len(secret) > len(settings.SECRETS)
    assert {file.stat().st_mode & 0o077 for file in secret} == {0}


def test_two_installations_share_no_secret(app: Flask, tmp_path: Path) -> None:
    for name in ("one", "two"):
        create(app, tmp_path / name)
    one, two = (
        {file.read_text() for file in (tmp_path / name).rglob("*") if file.is_file()}
        for name in ("one", "two")
    )
    assert one & two == set()


def test_secrets_that_are_there_are_never_replaced(app: Flask, folder: Path) -> None:
    create(app, folder)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    again = create(app, folder)
    assert again.exit_code != 0
    assert "VAULT_KEY" in again.output
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
