"""A database for each test worker, migrated once and empty at the start of every test."""

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy import create_engine, text

from app.extensions import db
from app.models import Base
from tests.parts import postgres


class TestDatabase(ABC):
    """Where the tests of one worker keep their rows."""

    __test__ = False  # pytest: a part, not a class of tests
    uri: str

    def migrate(self, app: Flask) -> None:
        """Bring the new, empty database to the newest version, as `flask db upgrade` does."""
        with app.app_context():
            flask_migrate.upgrade()
            db.engine.dispose()

    @abstractmethod
    def empty(self, app: Flask) -> None:
        """Remove every row, and every connection that an earlier test left behind."""


class SqliteDatabase(TestDatabase):
    def __init__(self, folder: Path) -> None:
        self._file = folder / "test.db"
        self._migrated = folder / "migrated.db"
        self.uri = f"sqlite:///{self._file}"

    def migrate(self, app: Flask) -> None:
        super().migrate(app)
        shutil.copyfile(self._file, self._migrated)

    def empty(self, app: Flask) -> None:
        with app.app_context():
            db.engine.dispose()
        for suffix in ("-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self._migrated, self._file)


class PostgresDatabase(TestDatabase):
    def __init__(self, shared: Path, worker: str) -> None:
        folder = postgres.socket_folder(shared)
        name = f"test_{worker}"
        server = create_engine(postgres.uri(folder, "postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        server.dispose()
        self.uri = postgres.uri(folder, name)

    def empty(self, app: Flask) -> None:
        with app.app_context():
            db.engine.dispose()
            with db.engine.begin() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                for table in reversed(Base.metadata.sorted_tables):
                    connection.execute(table.delete())
