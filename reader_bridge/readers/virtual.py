"""Readers that exist in software, and the cards in them: no PC/SC and no hardware needed.

A card is a file in a folder. It behaves at removal as a card of plastic does: a command that is
under way when it leaves is not answered, and a connection to it is of no more use.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reader_bridge.piv.errors import CardRemoved
from reader_bridge.readers.board import Board
from reader_bridge.readers.protocol import CardBusy, NoCard, NoReader, ReaderConnection
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS
from reader_bridge.virtual.state import CardState, new_card

log = logging.getLogger(__name__)

LONGEST_NAME = 60  # characters of a card; each may be four bytes of a file name
PATIENCE = 5.0  # seconds to wait for another connection's transaction


class NoSuchBehaviour(Exception):
    """There is no make of virtual card of this name."""


class NoSuchCard(Exception):
    """There is no file of that name in the folder of the cards, or it is not a card."""


@dataclass
class Inserted:
    """One insertion of a card. It ends once, and for good."""

    name: str
    card: VirtualCard
    transaction: threading.Lock = field(default_factory=threading.Lock)
    removed: bool = False


@dataclass(frozen=True)
class KnownCard:
    """A card of the folder, wherever it is now."""

    name: str
    label: str
    guid: str | None
    passcode_left: int
    reader: str | None


class VirtualConnection:
    """A connection to one insertion of a card."""

    def __init__(self, inserted: Inserted, torn_out: Callable[[], None]) -> None:
        self._inserted = inserted
        self._torn_out = torn_out
        self._in_transaction = False

    @property
    def atr(self) -> bytes:
        return self._inserted.card.atr

    def begin(self) -> None:
        if not self._inserted.transaction.acquire(timeout=PATIENCE):
            raise CardBusy
        self._in_transaction = True
        self.keep_alive()

    def transmit(self, apdu: bytes) -> bytes:
        self.keep_alive()
        try:
            answer = self._inserted.card.transmit(apdu)
        except Exception as error:
            if self._inserted.removed:
                raise CardRemoved from error
            raise
        if not self._inserted.card.present:
            self._torn_out()  # a card that was told to leave at this command
        self.keep_alive()  # what was answered to an empty reader nobody hears
        return answer

    def keep_alive(self) -> None:
        if self._inserted.removed:
            raise CardRemoved

    def end(self, *, reset: bool) -> None:
        if not self._in_transaction:
            return
        self._in_transaction = False
        if reset and not self._inserted.removed:
            self._inserted.card.reset()
        self._inserted.transaction.release()


class VirtualReader:
    """One reader."""

    virtual = True

    def __init__(self, name: str, torn_out: Callable[[str], None]) -> None:
        self.name = name
        self._torn_out = torn_out
        self.inserted: Inserted | None = None

    def connect(self) -> ReaderConnection:
        inserted = self.inserted
        if inserted is None:
            raise NoCard
        return VirtualConnection(inserted, lambda: self._torn_out(self.name))


class VirtualReaders:
    """All virtual readers of a bridge, and the folder of their cards. For use from any thread."""

    def __init__(
        self,
        board: Board,
        names: Sequence[str],
        folder: Path,
        inserted: Mapping[str, str] | None = None,
    ) -> None:
        """
        Args:
            names: of the readers.
            folder: of the cards' files.
            inserted: which card is in which reader at the start.
        """
        self._board = board
        self._folder = folder
        self._readers = {name: VirtualReader(name, self.remove) for name in names}
        self._at_start = dict(inserted or {})
        self._lock = threading.RLock()

    def start(self) -> None:
        for reader in self._readers.values():
            self._board.reader_added(reader)
        for name, card in self._at_start.items():
            try:
                self.insert(card, name)
            except NoSuchCard:
                log.warning("there is no card %s to put into %s", card, name)

    def stop(self) -> None:
        for name in self._readers:
            self._board.reader_removed(name)

    # What the card desk does

    def insert(self, card: str, reader: str) -> None:
        """Put a card into a reader, taking out what is there, and it out of where it is.

        Raises:
            NoReader, NoSuchCard.
        """
        with self._lock:
            place = self._reader(reader)
            self._load(card)  # before anything is taken out of a reader for it
            for other in self._readers.values():
                if other.inserted is not None and (other is place or other.inserted.name == card):
                    self.remove(other.name)
            # Read again: what it was told in the other reader is in its file.
            place.inserted = Inserted(card, VirtualCard(self._load(card)))
            self._board.card_inserted(reader)

    def remove(self, reader: str) -> None:
        """Pull the card out of a reader. A command that is under way is not answered.

        Raises:
            NoReader: there is no such reader.
        """
        with self._lock:
            place = self._reader(reader)
            if place.inserted is not None:
                place.inserted.removed = True
                # Without power nothing is stored any more: what a command that is under way still
                # does must not be written over what the card is told after the next insertion.
                place.inserted.card.state.path = None
                place.inserted = None
                self._board.card_removed(reader)

    def lock(self, card: str) -> None:
        """Leave no tries for a card's passcode, wherever the card is.

        Raises:
            NoSuchCard.
        """
        with self._lock:
            self._state(card).lock_passcode()

    def make(self, card: str, *, behaviour: str = "default") -> None:
        """Take a new card out of its box, unless there is one of this name already.

        Raises:
            NoSuchBehaviour: there is no such make.
            NoSuchCard: no card can have this name.
        """
        path = self._path(card)
        if behaviour not in BEHAVIOURS:
            raise NoSuchBehaviour(behaviour)
        with self._lock:
            if not path.exists():
                new_card(path, behaviour=behaviour, label=card)

    def content(self) -> dict[str, str | None]:
        """Which card is in which reader."""
        with self._lock:
            return {
                name: reader.inserted.name if reader.inserted else None
                for name, reader in self._readers.items()
            }

    def cards(self) -> list[KnownCard]:
        """All cards of the folder that can be read, by name."""
        with self._lock:
            where = {card: reader for reader, card in self.content().items() if card}
            known = []
            for file in sorted(self._folder.glob("*.json")):
                try:
                    state = self._state(file.stem)
                except NoSuchCard:
                    continue
                known.append(
                    KnownCard(
                        name=file.stem,
                        label=state.label,
                        guid=state.guid.hex() if state.guid else None,
                        passcode_left=state.passcode.left,
                        reader=where.get(file.stem),
                    )
                )
            return known

    def _reader(self, name: str) -> VirtualReader:
        try:
            return self._readers[name]
        except KeyError:
            raise NoReader from None

    def _state(self, card: str) -> CardState:
        """The state of a card: the very one at work where it is in a reader."""
        for reader in self._readers.values():
            if reader.inserted is not None and reader.inserted.name == card:
                return reader.inserted.card.state
        return self._load(card)

    def _load(self, card: str) -> CardState:
        try:
            return CardState.load(self._path(card))
        except (OSError, ValueError) as error:
            raise NoSuchCard(card) from error

    def _path(self, card: str) -> Path:
        if not 1 <= len(card) <= LONGEST_NAME or not card.isprintable():
            raise NoSuchCard(card)
        if card.startswith(".") or set(card) & set("/\\:"):
            raise NoSuchCard(card)
        return self._folder / f"{card}.json"
