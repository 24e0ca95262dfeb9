"""A service, its database, cards and PCs, that can be put back to an earlier moment at once.

A server that is stopped is an exception at one of its commits, before or after it took effect. A
request is an application context with a session of its own, as in a real server: nothing but the
database and the cards outlives it.
"""

import asyncio
import copy
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from joserfc.jwk import OKPKey
from sqlalchemy import Connection, event

import config as settings
from app import create_app
from app.card_operations.office import Office
from app.domain.principal import Principal
from app.extensions import db
from app.pki.authority import BuiltInAuthority
from app.services import sessions
from reader_bridge.lanes import Lanes
from reader_bridge.virtual import key_pairs
from reader_bridge.virtual.behaviour import Behaviour
from reader_bridge.virtual.inside import PrivateKey
from reader_bridge.virtual.state import CardState
from tests.faults.cuts import Cut, Cutter, ServerStopped
from tests.faults.pc import Chip, Pc
from tests.parts.bridge import ORIGIN, READER_1, bridge_settings
from tests.parts.clock import START, FrozenClock
from tests.parts.database import SqliteDatabase

T = TypeVar("T")
RSA_KEYS = 24  # of which a card is never given the same twice in one run
PASSPHRASE = "of the tests"


@dataclass(frozen=True)
class Visit:
    """One request: who asks, from which browser, and when."""

    actor: Principal | None
    browser: str
    office: Office
    now: datetime


@dataclass(frozen=True)
class Moment:
    """Everything as it was: database, cards, clock, and what a scenario remembers."""

    rows: sqlite3.Connection
    cards: dict[str, CardState]
    now: datetime
    memory: dict[str, Any]


class KeyPool:
    """Key pairs that cost nothing: elliptic ones are made, RSA ones dealt from a pack."""

    def __init__(self) -> None:
        self._rsa: list[PrivateKey] = []
        self._dealt = 0

    def __call__(self, algorithm: int) -> PrivateKey:
        if algorithm != key_pairs.RSA_2048:
            return key_pairs.make_key(algorithm)
        if len(self._rsa) < RSA_KEYS:
            self._rsa.append(key_pairs.make_key(algorithm))
        self._dealt += 1
        return self._rsa[self._dealt % len(self._rsa)]


@dataclass
class World:
    """Cards by name, PCs by name."""

    app: Flask
    office: Office
    clock: FrozenClock
    database: Path
    folder: Path
    loop: asyncio.AbstractEventLoop
    keys: KeyPool = field(default_factory=KeyPool)
    lanes: Lanes = field(default_factory=Lanes)
    cutter: Cutter = field(default_factory=Cutter)
    cards: dict[str, CardState] = field(default_factory=dict)
    pcs: dict[str, Pc] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Moment] = field(default_factory=dict)  # for scenarios that begin with the same

    def __post_init__(self) -> None:
        self._bridge = bridge_settings(self.folder, *self.office.tickets.public)
        self._pc_keys: dict[str, OKPKey] = {}
        self._serving = False
        with self.app.app_context():
            event.listen(db.engine, "commit", self._hear_commit)
        self.nothing = self.moment()

    # The server

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request, or another look at the database."""
        with self.app.app_context():
            try:
                yield
            finally:
                db.session.remove()

    def serve(self, browser: str, token: str | None, action: Callable[[Visit], T]) -> T:
        """Answer one request of a browser.

        Raises:
            ServerStopped: at the commit that was chosen.
        """
        assert not self._serving, "a request within a request"
        self._serving = True
        try:
            with self.request():
                now = self.clock.now
                actor = sessions.load(token, now) if token else None
                return action(Visit(actor, browser, self.office, now))
        except ServerStopped:
            with self.app.app_context():
                db.engine.dispose()  # its connections end with a process
            raise
        finally:
            self._serving = False

    def _hear_commit(self, connection: Connection) -> None:
        if self._serving:
            self.cutter.hear_commit(connection)

    # PCs and cards

    def pc(self, name: str = "desk") -> Pc:
        """The PC of this name, as its user finds it."""
        if name not in self.pcs:
            key = self._pc_keys.setdefault(name, OKPKey.generate_key("Ed25519"))
            self.pcs[name] = Pc(
                self._bridge, self._seconds, self.keys, self._sleep, self.loop, self.lanes, key
            )
        return self.pcs[name]

    def new_card(self, name: str, behaviour: Behaviour) -> CardState:
        """A card as it leaves its factory."""
        self.cards[name] = CardState.blank(behaviour, label=name, serial=4711)
        return self.cards[name]

    def insert(self, card: str, pc: str = "desk", reader: str = READER_1) -> Chip:
        """Put a card into a reader. One whose cut is due leaves it at its command."""
        chip = self.pc(pc).insert(self.cards[card], reader)
        if card == self.cutter.card:
            self.cutter.hold(chip)
        return chip

    def arm(self, cut: Cut | None, card: str) -> None:
        """From now on everything is counted, and the cut happens at its count."""
        self.cutter = Cutter(cut, card)
        for pc in self.pcs.values():
            for chip in pc.chips.values():
                if chip.state is self.cards[card]:
                    self.cutter.hold(chip)

    def _seconds(self) -> float:
        return (self.clock.now - START).total_seconds()

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    # Moments

    def shut_pcs(self) -> None:
        for pc in self.pcs.values():
            pc.shut()
        self.pcs.clear()

    def moment(self) -> Moment:
        """Keep everything as it is now. No PC runs."""
        self.shut_pcs()
        rows = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(self.database)) as source:
            source.backup(rows)
        return Moment(rows, copy.deepcopy(self.cards), self.clock.now, copy.deepcopy(self.memory))

    def go_back(self, moment: Moment) -> None:
        """Make everything as it was then."""
        self.shut_pcs()
        with closing(sqlite3.connect(self.database)) as target:
            moment.rows.backup(target)
        self.cards = copy.deepcopy(moment.cards)
        self.memory = copy.deepcopy(moment.memory)
        self.clock.set(moment.now)
        self.cutter = Cutter()


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    """A service with an empty database of its own, as long as the ``with`` block."""
    clock = FrozenClock()
    database = SqliteDatabase(folder)
    app = create_app(
        settings.Testing(
            SQLALCHEMY_DATABASE_URI=database.uri,
            INSTANCE=folder,
            PKI_FOLDER=str(folder / "pki"),
            ORIGIN=ORIGIN,
            ISSUER_PASSPHRASE=PASSPHRASE,
            ALLOW_VIRTUAL_CARDS=True,
            DEMONSTRATION=True,
        ),
        now=clock,
    )
    database.migrate(app)
    BuiltInAuthority.create(folder / "pki", PASSPHRASE.encode(), now=START)
    office = Office(app.config)
    app.extensions["card_office"] = office
    loop = asyncio.new_event_loop()
    with app.app_context():
        event.listen(db.engine, "connect", _never_wait_for_the_disk)
        db.engine.dispose()
    world = World(app, office, clock, folder / "test.db", folder, loop)
    try:
        yield world
    finally:
        world.shut_pcs()
        world.lanes.close()
        loop.close()
        with app.app_context():
            db.engine.dispose()


def _never_wait_for_the_disk(connection: Any, entry: Any) -> None:
    """No cut here takes the machine's power: what is committed need not reach the disk."""
    connection.execute("PRAGMA synchronous = OFF")
