"""A person's PC without sockets: readers, cards in software, and the bridge's own sessions.

Everything between the page and the card is the bridge's own code; only its server is left out.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from joserfc.jwk import OKPKey

from app.card_operations.answers import NextTicket
from app.card_operations.issue import BlankCard
from app.cli.bridge_page import BridgeSaidNo, blank_card
from reader_bridge import encoding
from reader_bridge.around import Around
from reader_bridge.contract import Event, Say
from reader_bridge.lanes import Lanes
from reader_bridge.piv.apdu import CLA_CHAINED
from reader_bridge.readers.board import Board
from reader_bridge.readers.virtual import Inserted, VirtualReader
from reader_bridge.session import Session
from reader_bridge.settings import Settings
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import Tear
from reader_bridge.virtual.inside import PrivateKey
from reader_bridge.virtual.state import CardState
from reader_bridge.workstation import Workstation
from tests.parts.bridge import ORIGIN, READER_1, READER_2

T = TypeVar("T")
Message = dict[str, Any]


class Chip(VirtualCard):
    """A card that counts what it is sent, and leaves its reader at a command."""

    def __init__(self, state: CardState, heard: Callable[[str], None], **ways: Any) -> None:
        super().__init__(state, **ways)
        self._heard = heard
        self._taken = 0

    def tear_at(self, at: int, *, takes_effect: bool) -> None:
        """Leave the reader at the ``at``th command from now on."""
        tear = Tear(self._taken + at, takes_effect)
        self.state.behaviour = replace(self.state.behaviour, tear=tear)

    def stay(self) -> None:
        """Do not leave any more."""
        self.state.behaviour = replace(self.state.behaviour, tear=None)

    def transmit(self, apdu: bytes) -> bytes:
        if self.present:
            self._taken += 1
            self._heard(_name(apdu))
        return super().transmit(apdu)


def _name(apdu: bytes) -> str:
    """What a command does, apart from its data: class, instruction, reference, object."""
    chained = "+" if apdu[0] & CLA_CHAINED else ""
    tag = apdu[7:10].hex() if apdu[1] in (0xCB, 0xDB) and apdu[5:7] == b"\x5c\x03" else ""
    return f"{apdu[1]:02x}{chained}.{apdu[3]:02x}{'.' + tag if tag else ''}"


@dataclass
class Pc:
    """One PC with two readers. ``trace`` is every command that its cards were sent."""

    settings: Settings
    clock: Callable[[], float]
    make_key: Callable[[int], PrivateKey]
    sleep: Callable[[float], None]
    loop: asyncio.AbstractEventLoop
    lanes: Lanes
    key: OKPKey
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board = Board()
        self._readers = {name: VirtualReader(name, self.pull) for name in (READER_1, READER_2)}
        for reader in self._readers.values():
            self.board.reader_added(reader)
        self.around = Around(
            self.settings,
            Workstation(self.key, "PC of the tests"),
            self.board,
            None,
            clock=self.clock,
            wall_clock=self.clock,
            lanes=self.lanes,
        )
        self.chips: dict[str, Chip] = {}
        self._tabs: list[Tab] = []

    def insert(self, state: CardState, reader: str = READER_1) -> Chip:
        """Put a card into a reader."""
        if self._readers[reader].inserted is not None:
            self.pull(reader)
        chip = Chip(state, self.trace.append, sleep=self.sleep, make_key=self.make_key)
        self._readers[reader].inserted = Inserted(reader, chip)
        self.chips[reader] = chip
        self.board.card_inserted(reader)
        return chip

    def pull(self, reader: str = READER_1) -> None:
        """Take a card out."""
        inserted, self._readers[reader].inserted = self._readers[reader].inserted, None
        if inserted is not None:
            inserted.removed = True
            del self.chips[reader]
            self.board.card_removed(reader)

    def seat(self, reader: str = READER_1) -> str | None:
        return self.board.seat_of(reader)

    def tab(self) -> "Tab":
        """Open a page of the service."""
        opened = Tab(self)
        self._tabs.append(opened)
        return opened

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def shut(self) -> None:
        """Close every page: the laptop is closed, or the bridge has ended."""
        for tab in self._tabs:
            tab.close()
        self._tabs.clear()
        for reader in self._readers:
            self.pull(reader)


class Tab:
    """One page's connection to the bridge of its PC."""

    def __init__(self, pc: Pc) -> None:
        self.pc = pc
        self.said: list[Message] = []
        self.hello = ""
        self.sid = ""
        self._asked = 0
        self._session = pc.run(self._open())

    async def _open(self) -> Session:
        session = Session(self.pc.around, ORIGIN, self._hear)
        session.begin()
        await asyncio.sleep(0)
        return session

    def _hear(self, message: Message) -> None:
        if message.get("event") == Event.HELLO:
            self.hello = message["hello"]
            self.sid = json.loads(encoding.to_bytes(self.hello.split(".")[1]))["sid"]
        self.said.append(message)

    def ask(self, command: Say, **fields: Any) -> Message:
        self._asked += 1
        number = self._asked
        self.pc.run(self._session.receive({"id": number, "command": command, **fields}))
        return next(each for each in self.said if each.get("re") == number and _answers(each))

    def read_card(self, reader: str = READER_1) -> Message:
        """What the bridge reads from the card in a reader.

        Raises:
            BridgeSaidNo: it could not.
        """
        answer = self.ask(Say.READ_CARD, reader=reader)
        if "ok" not in answer:
            raise BridgeSaidNo(str(answer["error"]["code"]))
        facts: Message = answer["ok"]
        return facts

    def blank_card(self, reader: str = READER_1) -> BlankCard:
        return blank_card(self.read_card(reader))

    def step(self, ticket: NextTicket, typed: dict[str, str]) -> Message:
        """Have the bridge do one ticket; what the page then posts to the service."""
        answer = self.ask(Say.STEP, ticket=ticket.ticket, **typed)
        if "ok" in answer:
            done = answer["ok"]
            return {"step": ticket.step, "results": done["results"], "receipt": done["receipt"]}
        return {"step": ticket.step, "error": answer["error"], "receipt": answer.get("receipt")}

    def close(self) -> None:
        self.pc.run(self._session.end())


def _answers(message: Message) -> bool:
    return "ok" in message or "error" in message


def random_browser() -> str:
    """The digest of a browser's own identifier."""
    return secrets.token_hex(32)
