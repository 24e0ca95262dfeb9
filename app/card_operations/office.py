"""What the server needs for a conversation besides the database: keys, authority, settings."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from app.card_operations.tickets import TicketKeys
from app.pki.authority import BuiltInAuthority, Issuer
from app.vault import Vault

EXTENSION = "card_office"


@dataclass(frozen=True)
class Office:
    """One per application. What costs time to open is opened when it is first needed."""

    config: Any

    @property
    def origin(self) -> str:
        return str(self.config["ORIGIN"])

    @property
    def demonstration(self) -> bool:
        return bool(self.config["DEMONSTRATION"])

    @property
    def virtual_cards_allowed(self) -> bool:
        return bool(self.config["ALLOW_VIRTUAL_CARDS"])

    @cached_property
    def tickets(self) -> TicketKeys:
        return TicketKeys.from_pem(self.config["TICKET_KEY"], self.config.get("TICKET_KEY_NEXT"))

    @cached_property
    def vault(self) -> Vault:
        return Vault.from_settings(self.config["VAULT_KEY"], self.config.get("VAULT_KEY_OLD"))

    @cached_property
    def issuer(self) -> Issuer:
        return BuiltInAuthority.open(
            Path(self.config["PKI_FOLDER"]),
            str(self.config["ISSUER_PASSPHRASE"]).encode(),
            origin=self.origin,
        )


def init_app(app: Flask) -> None:
    app.extensions[EXTENSION] = Office(app.config)


def current_office() -> Office:
    """The office of the running application."""
    if EXTENSION not in current_app.extensions:
        init_app(current_app._get_current_object())  # type: ignore[attr-defined]  # a proxy
    office: Office = current_app.extensions[EXTENSION]
    return office
