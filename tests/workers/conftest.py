"""Two servers on one database, SQLite and PostgreSQL, and people who may turn to either."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text, update

from app.cli.bridge_page import BridgePage, bridge_page
from app.models import Session
from tests.parts.desk import Desk, desk_at
from tests.parts.http_person import Person
from tests.parts.ports import free_port
from tests.parts.postgres import copy_rows, database
from tests.parts.service import installation_in, prepared_in
from tools.installation import Installation
from tools.processes import Family


@dataclass
class Cluster:
    """What runs: ``ports`` are those of the servers, which know nothing of each other."""

    installation: Installation
    ports: tuple[int, int]
    desk: Desk
    uri: str
    people: ExitStack

    def person(self) -> Person:
        """Somebody with a browser of their own, at the one PC."""
        return Person(self.new_page(), self.ports)

    def new_page(self) -> BridgePage:
        """Connect to the bridge, as each page does for itself."""
        port = self.installation.bridge_listens_on
        return self.people.enter_context(bridge_page(port, self.installation.origin))

    def value(self, query: str, **values: object) -> object:
        """Ask the database, or tell it something."""
        engine = create_engine(self.uri)
        with engine.begin() as connection:
            done = connection.execute(text(query), values)
            found = done.scalar() if done.returns_rows else done.rowcount
        engine.dispose()
        return found

    def let_proofs_grow_old(self) -> None:
        """A minute has passed since the last proof of presence."""
        engine = create_engine(self.uri)
        with engine.begin() as connection:
            then = datetime.now(UTC) - timedelta(seconds=60)
            connection.execute(update(Session).values(last_presence_at=then))
        engine.dispose()


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def running(
    request: pytest.FixtureRequest,
    worker: str,
    shared_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    prepared = prepared_in(shared_folder / "prepared-service")
    folder = tmp_path_factory.mktemp("workers") / "instance"
    shutil.copytree(prepared.folder, folder)
    first = installation_in(folder)
    uri = f"sqlite:///{first.database}"
    if request.param == "postgresql":
        uri = database(shared_folder, f"{folder.parent.name}_{worker}")
    both = {"DATABASE_URL": uri, "ORIGIN": first.origin}
    first = replace(first, settings=both)
    second = replace(first, port=free_port())
    if request.param == "postgresql":
        first.flask("db", "upgrade")
        copy_rows(f"sqlite:///{first.database}", uri)
    with ExitStack() as stack:
        first.write_bridge_settings()
        programs = stack.enter_context(Family(first.logs))
        first.start_bridge(programs)
        first.start_server(programs)
        second.start_server(stack.enter_context(Family(first.logs / "second")))
        desk = stack.enter_context(desk_at(first.bridge_address, first.origin))
        cluster = Cluster(first, (first.port, second.port), desk, uri, ExitStack())
        # Nobody has to accept terms here: tests/browser shows that
        cluster.value("DELETE FROM terms_version")
        yield cluster


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """The same, with every card out of its reader and nobody signed in."""
    running.desk.clear()
    running.value("UPDATE session SET ended_at = started_at WHERE ended_at IS NULL")
    with ExitStack() as people:
        running.people = people
        yield running
