"""A running service whose programs can be killed and started again, and everything put back."""

import shutil
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import config as settings
from app import audit, create_app
from app.card_operations.office import Office, office_of
from app.extensions import db
from app.services import card_check
from reader_bridge.virtual.state import CardState
from tests.faults.killed.course import Course
from tests.parts.codes import mailed_code
from tests.parts.desk import desk_at
from tests.parts.service import installation_in, prepared_in
from tools.installation import Installation
from tools.processes import Family, Program

SERVER, BRIDGE = "server", "bridge"
PROGRAMS = (SERVER, BRIDGE)


@dataclass(frozen=True)
class CardFiles(Mapping[str, CardState]):
    """The cards as they are in their files now."""

    folder: Path

    def __getitem__(self, name: str) -> CardState:
        return CardState.load(self.folder / f"{name}.json")

    def __iter__(self) -> Iterator[str]:
        return (file.stem for file in self.folder.glob("*.json"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Books:
    """The rows, the vault and the cards of an installation, whatever runs of it."""

    def __init__(self, installation: Installation) -> None:
        self._app = create_app(settings.Production(installation.environment))
        self.office: Office = office_of(self._app)
        self.cards = CardFiles(installation.cards)

    @contextmanager
    def request(self) -> Iterator[None]:
        """A look at the database."""
        with self._app.app_context():
            try:
                yield
            finally:
                db.session.remove()
                db.engine.dispose()

    def must_be_in_order(self) -> None:
        """What administrators are told of: nothing that ought never to be."""
        with self.request():
            assert audit.verify().sound, "the log was changed"
            found = card_check.check(datetime.now(UTC))
            assert not [each for each in found if not each.waits]

    def mailed_code(self, to: str) -> str:
        """The newest code that waits to be mailed to an address."""
        with self.request():
            return mailed_code(to)


@dataclass
class Place:
    """The programs of one installation, and where its cards are."""

    installation: Installation
    books: Books
    family: Family
    beginning: Path  # a folder with everything as it is before anybody comes
    inserted: dict[str, str] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)  # of operations, by name
    programs: dict[str, Program] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a program. The cards are in their readers when the bridge comes."""
        if name == BRIDGE:
            self.installation.write_bridge_settings(self.inserted)
            self.programs[name] = self.installation.start_bridge(self.family)
        else:
            self.programs[name] = self.installation.start_server(self.family)

    def kill(self, name: str) -> None:
        self.programs[name].signal(signal.SIGKILL)

    def start_again(self, name: str) -> None:
        self.family.stop(self.programs[name])
        self.start(name)

    def insert(self, card: str, reader: str) -> None:
        """Put a card into a reader, taking it out of where it is."""
        with desk_at(self.installation.bridge_address, self.installation.origin) as desk:
            desk.insert(card, reader)
        others = {at: other for at, other in self.inserted.items() if other != card}
        self.inserted = {**others, reader: card}

    def go_back(self) -> None:
        """Make rows and cards as they were, with nobody at work and every reader empty."""
        with desk_at(self.installation.bridge_address, self.installation.origin) as desk:
            desk.clear()
        self.inserted = {}
        shutil.copytree(self.beginning / "cards", self.installation.cards, dirs_exist_ok=True)
        _copy_rows(self.beginning / "cis.db", self.installation.database)

    def let_time_pass(self, seconds: float) -> None:
        """Everything that was begun was begun so much earlier."""
        earlier = f"-{seconds} seconds"
        with closing(sqlite3.connect(self.installation.database, timeout=10)) as rows:
            rows.execute(
                "UPDATE card_operation SET updated_at = datetime(updated_at, ?)", (earlier,)
            )
            rows.commit()


@contextmanager
def a_place(folder: Path, shared: Path) -> Iterator[Place]:
    """Start a copy of the prepared installation of ``shared`` in ``folder``."""
    prepared = prepared_in(shared)
    shutil.copytree(prepared.folder, folder)
    installation = installation_in(folder)
    beginning = folder / "beginning"
    shutil.copytree(installation.cards, beginning / "cards")
    with closing(sqlite3.connect(installation.database)) as rows:
        rows.execute("DELETE FROM terms_version")  # nobody has to accept any here
        rows.commit()
    _copy_rows(installation.database, beginning / "cis.db")
    with Family(installation.logs) as family:
        place = Place(installation, Books(installation), family, beginning)
        for name in PROGRAMS:
            place.start(name)
        yield place


def _copy_rows(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(source)) as rows,
        closing(sqlite3.connect(target, timeout=10)) as copy,
    ):
        rows.backup(copy)
