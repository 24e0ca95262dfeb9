"""The rows of a step, written with one statement each, past the ORM's unit of work.

A flush sorts out all that the rows are related to. For two rows and a new one, in each request of
an operation, that takes three times as long as writing them.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import Insert, Table, Update, bindparam, insert, update
from sqlalchemy.orm.attributes import instance_state

from app.extensions import db
from app.models import CardOperation, CardOperationStep

_OF_ROW = "of_row"  # a name that no column has
_INSERT = insert(CardOperationStep)


def write_new(step: CardOperationStep) -> None:
    """Write a step that the session knows nothing of."""
    columns = instance_state(step).mapper.column_attrs.keys()
    values = {name: value for name in columns if (value := getattr(step, name)) is not None}
    _execute(_INSERT, values)


def write_changes(row: CardOperation | CardOperationStep) -> None:
    """Write what has changed of a row. Whoever asks it for something afterwards reads it anew."""
    state = instance_state(row)
    columns = set(state.mapper.column_attrs.keys())
    changed = {name: getattr(row, name) for name in sorted(columns - state.unmodified)}
    if changed:
        statement = _update(row.__table__, tuple(changed))
        _execute(statement, {_OF_ROW: row.id, **changed})
    db.session.expire(row)


def _execute(statement: Insert | Update, values: dict[str, Any]) -> None:
    # On the connection itself: the session would flush first
    db.session.connection().execute(statement, values)


@lru_cache
def _update(table: Table, names: tuple[str, ...]) -> Update:
    changed: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(table).where(table.c.id == bindparam(_OF_ROW)).values(changed)
