"""What all connections of one running bridge share, and what it remembers of cards it has read."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reader_bridge import encoding
from reader_bridge.contract import Event
from reader_bridge.lanes import Lanes
from reader_bridge.readers.board import Board
from reader_bridge.readers.virtual import VirtualReaders
from reader_bridge.settings import ReaderKinds, Settings
from reader_bridge.workstation import Workstation


@dataclass
class Remembered:
    """What was read from a card; ``tries_left_may_differ`` since a passcode was sent to it."""

    facts: dict[str, Any]
    tries_left_may_differ: bool = False


class CardMemory:
    """What was read of each card that is in a reader now: each is read once per insertion."""

    def __init__(self, board: Board) -> None:
        self._cards: dict[str, Remembered] = {}
        board.listen(self._hear)

    def of(self, seat: str) -> Remembered | None:
        return self._cards.get(seat)

    def keep(self, seat: str, facts: dict[str, Any]) -> None:
        self._cards[seat] = Remembered(facts)

    def forget(self, seat: str) -> None:
        """The card has been changed: it must be read again."""
        self._cards.pop(seat, None)

    def passcode_was_sent(self, seat: str) -> None:
        remembered = self._cards.get(seat)
        if remembered is not None:
            remembered.tries_left_may_differ = True

    def _hear(self, event: dict[str, Any]) -> None:
        if event["event"] == Event.CARD_REMOVED:
            self.forget(event["seat"])


@dataclass
class Around:
    """One running bridge, as its connections see it."""

    settings: Settings
    workstation: Workstation
    board: Board
    virtual_readers: VirtualReaders | None
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time  # the PC's, which may be years off
    instance: str = field(default_factory=lambda: encoding.to_text(secrets.token_bytes(16)))
    lanes: Lanes = field(default_factory=Lanes)
    memory: CardMemory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = CardMemory(self.board)

    @property
    def desk(self) -> VirtualReaders | None:
        """The virtual readers, where pages may put cards in and take them out."""
        return self.virtual_readers if self.settings.virtual.desk else None

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What the hello says this bridge can do."""
        offered = {
            "pcsc": self.settings.readers is not ReaderKinds.VIRTUAL,
            "virtual": self.virtual_readers is not None,
            "desk": self.desk is not None,
        }
        return tuple(name for name, is_offered in offered.items() if is_offered)
