"""`flask keys create`: secrets with which Production starts, readable by their owner alone."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from cryptography import x509
from flask import Flask

import config as settings
from app.card_operations.tickets import TicketKeys
from app.cli.keys import makes_keys
from app.pki.authority import BuiltInAuthority
from app.vault import Vault
from reader_bridge.settings import thumbprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def create(app: Flask, folder: Path, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["keys", "create", str(folder), *options])


def test_what_it_prints_is_what_production_needs_to_start(app: Flask, folder: Path) -> None:
    printed = create(app, folder).output
    environment = dict(line.split("=", 1) for line in printed.splitlines())
    config = settings.Production(
        {
            **environment,
            "ORIGIN": "https://identity.example.org",
            "CONTACTS": settings.CONTACTS_EXAMPLE,
        }
    )
    assert all(getattr(config, name) for name in settings.SECRETS)


def flask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, of which nothing is set up."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=settings.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_on_a_fresh_machine_the_keys_can_be_made_and_nothing_else(tmp_path: Path) -> None:
    here = str(tmp_path / "instance")
    refused = flask("terms", "list", INSTANCE=here)
    assert refused.returncode != 0
    assert "Production does not start without SECRET_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr
    made = flask("keys", "create", str(tmp_path / "keys"), INSTANCE=here)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "keys" / "VAULT_KEY").exists()


@pytest.mark.parametrize(
    "started_as",
    [
        ["/srv/.venv/bin/granian", "wsgi:app", "keys", "create"],
        ["/srv/.venv/bin/flask", "--app", "wsgi", "db", "upgrade"],
        ["/srv/.venv/bin/flask", "--app", "wsgi", "create", "keys"],
    ],
)
def test_no_other_program_starts_without_its_secrets(started_as: list[str]) -> None:
    assert not makes_keys(started_as)


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
    public = ("issuing.pem", "card-authentication.pem", "root.pem", "root.crl")
    secret = [file for file in files if file.name not in public]
    assert len(secret) > len(settings.SECRETS)
    assert {file.stat().st_mode & 0o077 for file in secret} == {0}


def test_issuing_certificates_say_where_the_root_s_list_is_if_the_origin_is_told(
    app: Flask, folder: Path
) -> None:
    create(app, folder, "--origin", "https://identity.example.org/")
    made = x509.load_pem_x509_certificate((folder / "pki" / "issuing.pem").read_bytes())
    (point,) = made.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [each.value for each in point.full_name or []] == [
        "https://identity.example.org/pki/root.crl"
    ]


def test_two_installations_share_no_secret(app: Flask, tmp_path: Path) -> None:
    for name in ("one", "two"):
        create(app, tmp_path / name)
    one, two = (
        {file.read_bytes() for file in (tmp_path / name).rglob("*") if file.is_file()}
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


def test_it_shows_the_thumbprint_that_a_reader_bridge_shows_at_its_first_run(app: Flask) -> None:
    keys = TicketKeys.from_pem(app.config["TICKET_KEY"], None)
    shown = app.test_cli_runner().invoke(args=["keys", "show"]).output
    assert shown.split() == [thumbprint(key) for key in keys.public]
