"""Which certificates are still good, as the database has it at this moment."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.domain.revocation import UNKNOWN, Known, Standing, standing
from app.models import Card, Certificate

MOST_ROWS = 20_000  # remembered, of those that were asked about last

# Put together once: that takes longer than the database needs to answer
_ASKED = (
    select(
        Certificate.serial,
        Certificate.status,
        Certificate.not_before,
        Certificate.revoked_at,
        Certificate.revocation_reason,
        Card.status,
        Card.suspended_at,
    )
    .join(Card, Card.id == Certificate.card_id)
    .where(Certificate.issuer == bindparam("issuer"))
)
_ONE = _ASKED.where(Certificate.serial == bindparam("serial"))
_SEVERAL = _ASKED.where(Certificate.serial.in_(bindparam("serials", expanding=True)))


class DatabaseAway(Exception):
    """The database does not answer: nothing can be said at the moment."""


def standings(
    database: Connection | Session, issuer: str, serials: Sequence[str]
) -> dict[str, Standing]:
    """Return what is to be said of each of these certificates. One query, by their index.

    ``issuer`` is the name of the authority that is asked about them: another one's certificates
    are unknown to it. ``serials`` are hex, without leading zeros.
    """
    if len(serials) == 1:
        found = database.execute(_ONE, {"issuer": issuer, "serial": serials[0]})
    else:
        found = database.execute(_SEVERAL, {"issuer": issuer, "serials": list(serials)})
    return _said(serials, found)


class LookUp:
    """``standings``, asked of an engine's driver itself for one certificate: OCSP does little else.

    Raises, when it is called:
        DatabaseAway: the database does not answer.
    """

    def __init__(self, engine: Engine) -> None:
        dialect = engine.dialect
        compiled = _ONE.compile(dialect=dialect)
        self._engine = engine
        self._text = str(compiled)
        self._order = compiled.positiontup  # None where the driver takes names
        self._processors = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in _ONE.selected_columns
        ]
        self._standing = lru_cache(MOST_ROWS)(self._of_row)
        self._errors = (SQLAlchemyError, dialect.loaded_dbapi.Error)

    def __call__(self, issuer: str, serials: Sequence[str]) -> dict[str, Standing]:
        try:
            if len(serials) > 1:
                with self._engine.connect() as connection:
                    return standings(connection, issuer, serials)
            return {serials[0]: self._one(issuer, serials[0])}
        except self._errors as error:
            raise DatabaseAway from error

    def _one(self, issuer: str, serial: str) -> Standing:
        asked: Any = {"issuer": issuer, "serial": serial}
        if self._order is not None:
            asked = tuple(asked[name] for name in self._order)
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(self._text, asked)
            row = cursor.fetchone()
        finally:
            connection.close()  # back to the pool
        return UNKNOWN if row is None else self._standing(tuple(row))

    def _of_row(self, row: tuple[Any, ...]) -> Standing:
        """Read what the driver returned. The same row means the same: it is read once."""
        values: list[Any] = [
            value if process is None else process(value)
            for process, value in zip(self._processors, row, strict=True)
        ]
        return _said([values[0]], [values])[values[0]]


def _said(serials: Sequence[str], found: Iterable[Any]) -> dict[str, Standing]:
    said = dict.fromkeys(serials, UNKNOWN)
    for serial, status, not_before, revoked_at, reason, card, suspended_at in found:
        said[serial] = standing(
            Known(
                status=status,
                not_before=not_before,
                revoked_at=revoked_at,
                reason=reason,
                card=card,
                suspended_at=suspended_at,
            )
        )
    return said
