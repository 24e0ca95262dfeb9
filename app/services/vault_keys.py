"""The keys of the vault, held against what is sealed in the database: checked, and changed.

Changing them goes on while the service runs and may be stopped at any time: what is under the
current key already is passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import db
from app.models import (
    Card,
    CardOperation,
    ImportedManagementKey,
    OneTimeCode,
    OutboxMessage,
    Person,
    SecurityAnswer,
    SelfServiceDraft,
)
from app.vault import CannotOpen, Vault

BATCH = 200  # rows in one transaction


@dataclass(frozen=True)
class Sealed:
    """A column of sealed values. ``row`` is what a value is bound to, beside table and column."""

    column: InstrumentedAttribute[bytes | None] | InstrumentedAttribute[bytes]
    row: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
    index: str | None = None  # the column with the blind index of the same secret
    purpose: str = ""  # of that index

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column.key}"

    @property
    def table(self) -> str:
        return str(self.column.class_.__tablename__)

    @property
    def model(self) -> Any:
        return self.column.class_

    def place(self, row: Row[Any]) -> dict[str, str]:
        return {"table": self.table, "column": self.column.key, "row": row.bound_to}


COLUMNS = (
    Sealed(Card.puk_sealed, Card.guid),
    Sealed(Card.puk_pending_sealed, Card.guid),
    Sealed(Card.management_key_sealed, Card.guid),
    Sealed(Person.nino_sealed, Person.uuid, "nino_index", "nino"),
    Sealed(CardOperation.sealed, CardOperation.public_id),
    Sealed(ImportedManagementKey.key_sealed, ImportedManagementKey.named),
    Sealed(SecurityAnswer.answer_sealed, SecurityAnswer.ref),
    Sealed(SelfServiceDraft.answers_sealed, SelfServiceDraft.ref),
    Sealed(OneTimeCode.code_sealed, OneTimeCode.ref),
    Sealed(OutboxMessage.bodies_sealed, OutboxMessage.ref),
)


@dataclass
class Found:
    """What one column holds: how many values under the current key, an old one, and lost ones.

    ``lost`` names what does not open: its key is not here, or it was altered.
    """

    name: str
    current: int = 0
    old: int = 0
    lost: list[str] = field(default_factory=list)


@dataclass
class Rotated:
    """What changing the key of one column came to. ``clashes``: another row has the same index."""

    name: str
    resealed: int = 0
    passed_over: int = 0
    lost: list[str] = field(default_factory=list)
    clashes: list[str] = field(default_factory=list)


class WrongKey(Exception):
    """The vault's keys are not those of this database. ``wanted`` is the id of the missing one."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


def check(vault: Vault) -> Iterator[Found]:
    """Open every sealed value of every column, and say what was found."""
    for sealed in COLUMNS:
        found = Found(sealed.name)
        for row in _rows(sealed):
            try:
                old = vault.needs_resealing(row.sealed)
                vault.open(row.sealed, **sealed.place(row))
            except CannotOpen:
                found.lost.append(row.bound_to)
                continue
            if old:
                found.old += 1
            else:
                found.current += 1
        yield found


def rotate(vault: Vault, *, batch: int = BATCH) -> Iterator[Rotated]:
    """Seal under the current key what is under an old one. Commits after each batch.

    The rows of a batch are locked meanwhile, so that nothing that somebody changes is lost.
    """
    for sealed in COLUMNS:
        rotated = Rotated(sealed.name)
        after = 0
        while rows := db.session.execute(_select(sealed, after, batch).with_for_update()).all():
            for row in rows:
                _reseal(vault, sealed, row, rotated)
            after = rows[-1].id
            db.session.commit()
        db.session.rollback()
        yield rotated


def demand_keys(vault: Vault) -> None:
    """Make sure, by one value, that the vault has the keys of this database.

    A database without tables yet, or one that cannot be reached, is not judged.

    Raises:
        WrongKey: it has not.
    """
    sample = (
        select(Card.guid.label("bound_to"), Card.management_key_sealed.label("sealed"))
        .where(Card.management_key_sealed.is_not(None))
        .order_by(Card.id.desc())
        .limit(1)
    )
    try:
        row = db.session.execute(sample).one_or_none()
    except DBAPIError:
        return
    finally:
        db.session.remove()
    if row is None:
        return
    try:
        vault.needs_resealing(row.sealed)
    except CannotOpen as error:
        raise WrongKey(Vault.key_id(row.sealed)) from error


def _rows(sealed: Sealed) -> Iterator[Row[Any]]:
    after = 0
    while rows := db.session.execute(_select(sealed, after, BATCH)).all():
        yield from rows
        after = rows[-1].id
        db.session.rollback()  # a long check keeps no snapshot


def _select(sealed: Sealed, after: int, limit: int) -> Select[*tuple[Any, ...]]:
    return (
        select(sealed.model.id, sealed.row.label("bound_to"), sealed.column.label("sealed"))
        .where(sealed.column.is_not(None), sealed.model.id > after)
        .order_by(sealed.model.id)
        .limit(limit)
    )


def _reseal(vault: Vault, sealed: Sealed, row: Row[Any], rotated: Rotated) -> None:
    try:
        if not vault.needs_resealing(row.sealed):
            rotated.passed_over += 1
            return
        secret = vault.open(row.sealed, **sealed.place(row))
    except CannotOpen:
        rotated.lost.append(row.bound_to)
        return
    values: dict[str, Any] = {sealed.column.key: vault.seal(secret, **sealed.place(row))}
    if sealed.index is not None:
        values[sealed.index] = vault.blind_index(sealed.purpose, secret.decode())
    try:
        with db.session.begin_nested():
            db.session.execute(update(sealed.model).where(sealed.model.id == row.id).values(values))
    except IntegrityError:
        rotated.clashes.append(row.bound_to)
        return
    rotated.resealed += 1
