"""How the service talks to its database: what SQLite needs to behave as PostgreSQL does.

On SQLite a transaction reads without a lock, like PostgreSQL's READ COMMITTED, and takes the one
write lock with BEGIN IMMEDIATE before its first writing statement or SELECT ... FOR UPDATE. A
reader that turns into a writer half way would be refused at once (SQLITE_BUSY_SNAPSHOT), however
long it is willing to wait. Writers queue at an advisory lock on a file beside the database: under
SQLite's own timeout alone they starve one another.
"""

import fcntl
import os
import random
import sqlite3
import time
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExecutionContext
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.pool import ConnectionPoolEntry

WAIT_SECONDS = 10.0
_READING = ("SELECT", "PRAGMA", "EXPLAIN", "VALUES")


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, with every engine prepared for what it talks to."""

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        if not event.contains(self.session, "do_orm_execute", _read_anew_for_update):
            event.listen(self.session, "do_orm_execute", _read_anew_for_update)
        with app.app_context():
            for engine in self.engines.values():
                prepare(engine)


def prepare(engine: Engine) -> None:
    """Give an engine the behaviour that this module describes. PostgreSQL needs nothing."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "do_connect", _choose_connection)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "before_cursor_execute", _begin_before_writing)
    event.listen(engine, "savepoint", _begin_before_savepoint)


def is_sole_writer(connection: Connection) -> bool:
    """Say whether nobody else can write until this transaction ends: then no row needs a lock."""
    driver = connection.connection.driver_connection
    return isinstance(driver, QueueingConnection) and driver.in_transaction


def _read_anew_for_update(asked: ORMExecuteState) -> None:
    """Who asks for a row in order to change it gets it as it is under the lock.

    Without this a row that the session has read before would keep its old values.
    """
    if getattr(asked.statement, "_for_update_arg", None) is not None:
        asked.update_execution_options(populate_existing=True)


class QueueingConnection(sqlite3.Connection):
    """A connection that waits for its turn before it writes, and gives it up when it is done."""

    _queue: int | None = None

    def set_up(self) -> None:
        path = self.execute("PRAGMA database_list").fetchone()[2]
        if path:
            self._queue = os.open(f"{path}.queue", os.O_RDWR | os.O_CREAT, 0o600)

    def begin_writing(self) -> None:
        """Take the write lock.

        Raises:
            sqlite3.OperationalError: others held it for WAIT_SECONDS.
        """
        self._wait()
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._leave()
            raise

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self._leave()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._leave()

    def close(self) -> None:
        super().close()
        if self._queue is not None:
            os.close(self._queue)
            self._queue = None

    def _wait(self) -> None:
        if self._queue is None:
            return
        give_up = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                fcntl.flock(self._queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise sqlite3.OperationalError("database is locked") from None
                time.sleep(random.uniform(0.0005, 0.002))  # noqa: S311 - a pause, not a secret

    def _leave(self) -> None:
        if self._queue is not None and not self.in_transaction:
            fcntl.flock(self._queue, fcntl.LOCK_UN)


def _choose_connection(
    dialect: Dialect,
    entry: ConnectionPoolEntry,
    arguments: tuple[Any, ...],
    parameters: dict[str, Any],
) -> None:
    parameters["factory"] = QueueingConnection
    parameters["isolation_level"] = None  # it is we who begin
    parameters["timeout"] = WAIT_SECONDS


def _set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    sqlite = _queueing(connection)
    # A card whose keys were never written down is lost: each commit reaches the disk (FULL)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        sqlite.execute(f"PRAGMA {pragma}")
    sqlite.set_up()


def _begin_before_writing(
    connection: Connection,
    cursor: Any,
    statement: str,
    parameters: Any,
    context: ExecutionContext | None,
    executemany: bool,
) -> None:
    sqlite = _queueing(connection.connection.driver_connection)
    if sqlite.in_transaction:
        return
    asked = getattr(context, "invoked_statement", None)
    locks = getattr(asked, "_for_update_arg", None) is not None
    if locks or not statement.lstrip().upper().startswith(_READING):
        sqlite.begin_writing()


def _begin_before_savepoint(connection: Connection, name: str) -> None:
    sqlite = _queueing(connection.connection.driver_connection)
    if not sqlite.in_transaction:
        sqlite.begin_writing()


def _queueing(connection: Any) -> QueueingConnection:
    assert isinstance(connection, QueueingConnection)
    return connection
