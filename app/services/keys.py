"""The application's vault: made once, of the keys in its settings."""

from flask import current_app

from app.vault import Vault

EXTENSION = "vault"


def vault() -> Vault:
    """Return the vault of the running application.

    Raises:
        RuntimeError: VAULT_KEY is not set.
        BadKey: it is not a key.
    """
    if EXTENSION not in current_app.extensions:
        current = current_app.config["VAULT_KEY"]
        if not current:
            raise RuntimeError("VAULT_KEY is not set: nothing can be sealed or opened")
        old = current_app.config.get("VAULT_KEY_OLD")
        current_app.extensions[EXTENSION] = Vault.from_settings(current, old)
    made: Vault = current_app.extensions[EXTENSION]
    return made
