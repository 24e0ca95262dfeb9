"""Which certificates are still good, as the database has it at this moment."""

import threading
import weakref
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, event, select
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


class _Line:
    """A connection that a thread keeps, outside the pool: to take one from there and give it back
    takes longer than what is asked of it. Each question sees what is committed by then: there is
    no transaction that could go on."""

    def __init__(self, engine: Engine) -> None:
        connection = engine.raw_connection()
        connection.detach()
        weakref.finalize(self, connection.close)
        assert connection.dbapi_connection is not None
        engine.dialect.set_isolation_level(connection.dbapi_connection, "AUTOCOMMIT")
        self._cursor = connection.cursor()

    def ask(self, text: str, asked: Any) -> Sequence[Any]:
        self._cursor.execute(text, asked)
        return self._cursor.fetchall()  # to the end: SQLite lets go of its snapshot


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
        self._here = threading.local()
        event.listen(engine, "engine_disposed", self._let_go)

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
        try:
            rows = self._line.ask(self._text, asked)
        except self._errors:  # the database may have been started again meanwhile
            self._here.line = None
            rows = self._line.ask(self._text, asked)
        return self._standing(tuple(rows[0])) if rows else UNKNOWN

    @property
    def _line(self) -> "_Line":
        line: _Line | None = getattr(self._here, "line", None)
        if line is None:
            line = self._here.line = _Line(self._engine)
        return line

    def _let_go(self, _engine: Engine) -> None:
        self._here = threading.local()

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
