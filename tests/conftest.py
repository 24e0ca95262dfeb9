"""What every test may ask for: an application, a page client, a clock, and the database's session.

Tests of models and services run on SQLite and on PostgreSQL, as does every test marked
`both_databases`; all others run on SQLite.
"""

import contextvars
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session

import config as settings
from app import create_app
from app.extensions import db
from app.services import hashing
from tests.parts import postgres, properties
from tests.parts.clock import START, FrozenClock
from tests.parts.database import PostgresDatabase, SqliteDatabase, TestDatabase
from tests.parts.hashing import QUICK
from tests.parts.sharing import SharedStarts
from tests.parts.softhsm import softhsm

__all__ = ["softhsm"]  # one for all: SoftHSM reads where its tokens are once a process

ON_BOTH = {"models", "services"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: runs on SQLite and on PostgreSQL")
    properties.choose_profile()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    folder = metafunc.definition.path.relative_to(Path(__file__).parent).parts[0]
    marked = metafunc.definition.get_closest_marker("both_databases")
    kinds = ["sqlite", "postgresql"] if folder in ON_BOTH or marked else ["sqlite"]
    metafunc.parametrize("database", kinds, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedStarts:
    return SharedStarts(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that outlives all workers ends the cluster that they shared."""
    if not hasattr(session.config, "workerinput"):
        factory: pytest.TempPathFactory = session.config._tmp_path_factory
        postgres.stop(factory.getbasetemp())


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this test worker, also where there is only one."""
    return getattr(request.config, "workerinput", {}).get("workerid", "alone")


@pytest.fixture(scope="session")
def shared_folder(worker: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker == "alone" else base.parent


@pytest.fixture(scope="session")
def database(
    request: pytest.FixtureRequest,
    worker: str,
    shared_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> TestDatabase:
    if request.param == "postgresql":
        return PostgresDatabase(shared_folder, worker)
    return SqliteDatabase(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session")
def _worker_clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def _worker_app(
    database: TestDatabase, _worker_clock: FrozenClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("instance")
    app = create_app(
        settings.Testing(
            SQLALCHEMY_DATABASE_URI=database.uri,
            INSTANCE=folder,
            PKI_FOLDER=str(folder / "pki"),
        ),
        now=_worker_clock,
    )
    database.migrate(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def clock(_worker_clock: FrozenClock) -> FrozenClock:
    """The application's clock. It stands still unless the test moves it."""
    _worker_clock.set(START)
    return _worker_clock


@pytest.fixture
def app(_worker_app: Flask, database: TestDatabase, clock: FrozenClock) -> Iterator[Flask]:
    """The application, with an empty database. What a test changes of its settings is put back."""
    database.empty(_worker_app)
    _worker_app.extensions[hashing.EXTENSION] = QUICK
    before = dict(_worker_app.config)
    yield _worker_app
    _worker_app.config.clear()
    _worker_app.config.update(before)


class PageClient(FlaskClient):
    """A client whose requests know nothing of the test's own application context.

    Flask would share `g` and the database's session between the test and all of its requests.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without script. Each request has a context of its own."""
    app.test_client_class = PageClient
    return app.test_client()


@pytest.fixture
def db_session(app: Flask) -> Iterator[scoped_session[Session]]:
    """The database's session, in an application context that lasts as long as the test."""
    with app.app_context():
        yield db.session
        db.session.remove()


@pytest.fixture
def count_queries(
    db_session: scoped_session[Session],
) -> Callable[[], AbstractContextManager[list[str]]]:
    """Counts the statements sent to the database: `with count_queries() as queries: ...`."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def sent(*arguments: Any) -> None:
            statements.append(arguments[2])

        event.listen(db.engine, "before_cursor_execute", sent)
        try:
            yield statements
        finally:
            event.remove(db.engine, "before_cursor_execute", sent)

    return counting
