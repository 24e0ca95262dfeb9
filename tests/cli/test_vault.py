"""`flask vault`, and starting with keys that are none or not this database's."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

import config as settings
from app import create_app
from app.card_operations import sealed
from app.card_operations.management import ManagementKey
from app.extensions import db
from app.models import Card
from app.services import keys
from app.vault import Vault
from tests.parts.people import a_card, a_person

pytestmark = pytest.mark.usefixtures("db_session")

OLD, NEW, FOREIGN = (bytes([number]) * 32 for number in (1, 2, 3))
PUK = "48291377"


@pytest.fixture
def card() -> Card:
    card = a_card(a_person())
    sealed.keep_pending_puk(Vault(OLD), card, PUK)
    sealed.keep_management_key(Vault(OLD), card, ManagementKey("AES192", bytes(range(24))))
    db.session.commit()
    return card


@pytest.fixture
def keys_are(app: Flask) -> Iterator[None]:
    kept = app.extensions.pop(keys.EXTENSION, None)
    before = app.config["VAULT_KEY"], app.config["VAULT_KEY_OLD"]
    app.config.update(VAULT_KEY=text(NEW), VAULT_KEY_OLD=text(OLD))
    yield
    app.config.update(VAULT_KEY=before[0], VAULT_KEY_OLD=before[1])
    app.extensions.pop(keys.EXTENSION, None)  # made of the keys of this test
    if kept is not None:
        app.extensions[keys.EXTENSION] = kept


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["vault", *words])
    return done.exit_code, done.output


@pytest.mark.usefixtures("keys_are")
def test_it_says_what_is_under_an_old_key_and_how_to_go_on(app: Flask, card: Card) -> None:
    code, said = run(app, "check")
    assert code == 0
    assert "card.puk_pending_sealed: 0 under the current key, 1 under an old one" in said
    assert "vault rotate" in said
    assert PUK not in said


@pytest.mark.usefixtures("keys_are")
def test_after_rotating_the_old_key_is_not_needed(app: Flask, card: Card) -> None:
    code, said = run(app, "rotate")
    assert code == 0
    assert "VAULT_KEY_OLD is not needed any more" in said
    db.session.refresh(card)
    assert sealed.pending_puk(Vault(NEW), card) == PUK
    assert run(app, "check") == (0, run(app, "check")[1])
    assert "All is under the current key" in run(app, "check")[1]


@pytest.mark.usefixtures("keys_are")
def test_what_does_not_open_is_named_with_the_keys_that_are_here(app: Flask, card: Card) -> None:
    app.config["VAULT_KEY_OLD"] = None
    for command in ("check", "rotate"):
        code, said = run(app, command)
        assert code == 1
        assert f"does not open: {card.guid}" in said
    assert Vault(NEW).key_ids[0] in run(app, "check")[1]


@pytest.mark.parametrize(
    ("key", "words"), [("rubbish!", "base64"), (text(b"short"), "32 bytes"), ("", "is not set")]
)
@pytest.mark.usefixtures("keys_are")
def test_a_key_that_is_none_is_said_plainly(app: Flask, key: str, words: str) -> None:
    app.config["VAULT_KEY"] = key
    code, said = run(app, "check")
    assert code == 1
    assert words in said
    assert "Traceback" not in said


class Started(settings.Development):
    """A service of somebody's, in a folder of its own."""

    def __init__(self, folder: Path, database: str, key: bytes | str) -> None:
        super().__init__(
            {
                "INSTANCE": str(folder),
                "DATABASE_URL": database,
                "VAULT_KEY": key if isinstance(key, str) else text(key),
            }
        )


def test_the_service_does_not_start_with_another_database_s_key(
    app: Flask, card: Card, tmp_path: Path
) -> None:
    database = app.config["SQLALCHEMY_DATABASE_URI"]
    create_app(Started(tmp_path, database, OLD))
    with pytest.raises(settings.ConfigurationError) as refusal:
        create_app(Started(tmp_path, database, FOREIGN))
    said = str(refusal.value)
    assert "VAULT_KEY is not the key of this database" in said
    assert Vault(OLD).key_ids[0] in said
    assert Vault(FOREIGN).key_ids[0] in said


def test_the_service_does_not_start_with_a_key_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(settings.ConfigurationError, match="32 bytes"):
        create_app(Started(tmp_path, f"sqlite:///{tmp_path}/new.db", text(b"short")))


def test_a_new_database_has_no_key_yet(tmp_path: Path) -> None:
    create_app(Started(tmp_path, f"sqlite:///{tmp_path}/new.db", NEW))
