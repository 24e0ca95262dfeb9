"""What the server needs for a conversation besides the database: keys, authority, settings."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from app.card_operations.tickets import TicketKeys
from app.pki.authority import BuiltInAuthority, Issuer
from app.pki.key_stores import key_store
from app.pki.ocsp import Responder
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
        folder = Path(self.config["PKI_FOLDER"])
        passphrase = str(self.config["ISSUER_PASSPHRASE"]).encode()
        return BuiltInAuthority.open(
            folder,
            passphrase,
            origin=str(self.config.get("PKI_ORIGIN") or self.origin),
            keys=key_store(self.config, folder, passphrase),
            smartcard_logon=bool(self.config.get("SMARTCARD_LOGON")),
        )

    @cached_property
    def responder(self) -> Responder:
        """Answers to OCSP. Each process has its own keys for that."""
        return Responder(self.issuer.authorities.values())


def init_app(app: Flask) -> None:
    app.extensions[EXTENSION] = Office(app.config)


def current_office() -> Office:
    """The office of the running application."""
    return office_of(current_app._get_current_object())  # type: ignore[attr-defined]  # a proxy


def office_of(app: Flask) -> Office:
    """The office of this application."""
    if EXTENSION not in app.extensions:
        init_app(app)
    office: Office = app.extensions[EXTENSION]
    return office
