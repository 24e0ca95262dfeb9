"""`flask keys create FOLDER`: a fresh set of secrets for a first installation."""

import base64
import os
import secrets
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import current_app
from flask.cli import AppGroup
from joserfc.jwk import OKPKey

from app import clock
from app.card_operations.office import current_office
from app.pki.authority import BuiltInAuthority
from app.pki.key_stores import KeyUnusable, key_store

PKI = "pki"

keys = AppGroup("keys", help="The secrets that the service starts with.")


def makes_keys(arguments: Sequence[str]) -> bool:
    """Say whether a process was started as `flask … keys create …`, which needs no secret yet."""
    program, *words = arguments
    is_flask = Path(program).name == "flask" or Path(program).parent.name == "flask"
    return is_flask and ("keys", "create") in pairwise(words)


def fresh_secrets() -> dict[str, str]:
    """Make one of each secret that the service needs, by the name of its setting."""
    ticket_key = Ed25519PrivateKey.generate()
    return {
        "SECRET_KEY": secrets.token_hex(),
        "VAULT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "AUDIT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "TICKET_KEY": ticket_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
        "ISSUER_PASSPHRASE": secrets.token_urlsafe(32),
    }


def write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner can read, and that was not there.

    Raises:
        FileExistsError: it was there.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        output.write(text)


@keys.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--origin",
    envvar=["PKI_ORIGIN", "ORIGIN"],
    help="Scheme, host and port of the service: where its authorities' certificates say to ask.",
)
def create(folder: Path, origin: str | None) -> None:
    """Write fresh secrets and a certificate authority to FOLDER, which must not hold any yet.

    Prints the settings that name them. Keep a copy apart from the database's: without VAULT_KEY
    nothing that the service has sealed can be opened again.
    """
    made = fresh_secrets()
    there = [name for name in (*made, PKI) if (folder / name).exists()]
    if there:
        raise click.ClickException(f"{folder} holds {', '.join(there)} already; nothing is changed")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in made.items():
        write_secret(folder / name, text)
    passphrase = made["ISSUER_PASSPHRASE"].encode()
    try:
        BuiltInAuthority.create(
            folder / PKI,
            passphrase,
            now=clock.now(),
            origin=origin.rstrip("/") if origin else None,
            keys=key_store(current_app.config, folder / PKI, passphrase),
        )
    except (KeyUnusable, FileExistsError) as error:
        raise click.ClickException(f"{error}. Remove {folder}, and start again") from error
    for name in made:
        click.echo(f"{name}_FILE={folder.absolute() / name}")
    click.echo(f"PKI_FOLDER={folder.absolute() / PKI}")


@keys.command()
def show() -> None:
    """Print what a reader bridge shows at its first run, for comparison: the thumbprints (RFC 7638)
    of the keys that sign its tickets, the current one first."""
    for public in current_office().tickets.public:
        key: dict[str, str | list[str]] = {**public}
        click.echo(OKPKey.import_key(key).thumbprint())
