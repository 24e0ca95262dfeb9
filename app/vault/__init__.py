"""Sealing what the service must keep secret even from whoever reads its database."""

from app.vault.errors import BadKey, CannotOpen, VaultError
from app.vault.vault import Vault

__all__ = ["BadKey", "CannotOpen", "Vault", "VaultError"]
