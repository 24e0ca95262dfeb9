"""The application's vault: made once, of the keys in its settings."""

from flask import Flask, current_app

from app.extensions import db
from app.services import vault_keys
from app.services.vault_keys import WrongKey
from app.vault import BadKey, Vault
from config import ConfigurationError

EXTENSION = "vault"


def vault() -> Vault:
    """Return the vault of the running application.

    Raises:
        BadKey: VAULT_KEY is not set, or is no key.
    """
    if EXTENSION not in current_app.extensions:
        settings = current_app.config
        current_app.extensions[EXTENSION] = Vault.from_settings(
            settings["VAULT_KEY"], settings.get("VAULT_KEY_OLD")
        )
    made: Vault = current_app.extensions[EXTENSION]
    return made


def check_at_start(app: Flask) -> None:
    """Refuse to start with keys that are none, or not those of this database.

    Raises:
        ConfigurationError: says what to change.
    """
    if not app.config["VAULT_KEY"]:
        return  # production demands one; elsewhere the first use says so
    with app.app_context():
        try:
            vault_keys.demand_keys(vault())
        except BadKey as error:
            raise ConfigurationError(
                f"VAULT_KEY or VAULT_KEY_OLD: {error}. `flask --app wsgi keys create FOLDER` makes "
                "a fresh set for a new installation."
            ) from error
        except WrongKey as error:
            raise ConfigurationError(
                f"VAULT_KEY is not the key of this database: PUKs and management keys are sealed "
                f"under the key {error.wanted}, and here is {', '.join(vault().key_ids)}. Set "
                "VAULT_KEY to the key that belongs to this database; after a change of keys, set "
                "the one before it in VAULT_KEY_OLD until `flask --app wsgi vault rotate` is done."
            ) from error
        finally:
            db.engine.dispose()  # a server may fork after this: no connection is shared
