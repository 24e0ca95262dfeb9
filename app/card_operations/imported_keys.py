"""Own management keys that cards came with: kept sealed, and used when the card is issued.

A make whose management key cannot be changed would keep for ever the one that everybody knows,
unless its seller gave each card its own and told us.
"""

from datetime import datetime

from sqlalchemy import select

from app.card_operations.management import KEY_BYTES, ManagementKey
from app.domain.errors import Conflict
from app.extensions import db
from app.models import Card, ImportedManagementKey
from app.vault import Vault

TABLE = ImportedManagementKey.__tablename__


class AlreadyImported(Conflict):
    """There is a key for this card, and it is another one."""

    reason = "already-imported"


def by_serial(serial: str) -> str:
    return f"serial {serial}"


def by_guid(guid: str) -> str:
    return f"guid {guid.lower()}"


def algorithm_of(key: bytes, wanted: str | None) -> str | None:
    """The algorithm of a key: the one that is wanted, if it fits, or the only one that can be."""
    fitting = [name for name, size in KEY_BYTES.items() if size == len(key)]
    if wanted is not None:
        return wanted if wanted in fitting else None
    return fitting[0] if len(fitting) == 1 else None


def keep(vault: Vault, named: str, key: ManagementKey, *, now: datetime) -> bool:
    """Keep the key of one card. Part of the caller's action. False where it was known already.

    Raises:
        AlreadyImported: another key is known for this card.
    """
    known = _row(named)
    if known is not None:
        if opened(vault, known) != key:
            raise AlreadyImported
        return False
    sealed = vault.seal(key.key, table=TABLE, column="key_sealed", row=named)
    db.session.add(
        ImportedManagementKey(
            named=named, algorithm=key.algorithm, key_sealed=sealed, imported_at=now
        )
    )
    return True


def key_of(vault: Vault, card: Card, shown_guid: str | None) -> ManagementKey | None:
    """The key that a blank card came with, if it was imported."""
    names = [by_serial(card.serial)] if card.serial else []
    if shown_guid:
        names.append(by_guid(shown_guid))
    row = next((row for name in names if (row := _row(name)) is not None), None)
    return opened(vault, row) if row else None


def opened(vault: Vault, row: ImportedManagementKey) -> ManagementKey:
    key = vault.open(row.key_sealed, table=TABLE, column="key_sealed", row=row.named)
    return ManagementKey(row.algorithm, key)


def _row(named: str) -> ImportedManagementKey | None:
    return db.session.scalar(select(ImportedManagementKey).filter_by(named=named))
