"""A hand at the virtual readers: puts cards in and takes them out, as a person would."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from reader_bridge.contract import SUBPROTOCOL, Say

READER_1 = "Virtual reader 1"
READER_2 = "Virtual reader 2"


class Desk:
    """The readers and cards of one bridge. A card is named by its file, a reader by its name."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def insert(self, card: str, reader: str = READER_1) -> None:
        self._ask("insert", card=card, reader=reader)

    def remove(self, reader: str = READER_1) -> None:
        self._ask("remove", reader=reader)

    def swap(self, card: str, reader: str = READER_1) -> None:
        """Take out whatever is in a reader, and put another card in."""
        self.remove(reader)
        self.insert(card, reader)

    def lock(self, card: str) -> None:
        """Type wrong passcodes until the card locks itself."""
        self._ask("lock", card=card)

    def clear(self) -> None:
        """Take every card out."""
        for seat in self.list()["readers"]:
            if seat["card"]:
                self.remove(seat["reader"])

    def cards(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.list()["cards"]
        return found

    def list(self) -> dict[str, Any]:
        """Return ``{readers: [{reader, card}], cards: [{card, label, guid, reader, ...}]}``."""
        return self._ask("list")

    def _ask(self, action: str, **fields: str) -> dict[str, Any]:
        number = f"desk-{next(self._numbers)}"
        question = {"id": number, "command": Say.DESK, "action": action, **fields}
        self._connection.send(json.dumps(question))
        while True:
            message = json.loads(self._connection.recv(timeout=10))
            if message.get("re") == number:
                assert "ok" in message, f"the bridge refused {question}: {message}"
                answer: dict[str, Any] = message["ok"]
                return answer


@contextmanager
def desk_at(address: str, origin: str) -> Iterator[Desk]:
    """Open a connection to the bridge at ``address``, as a page of ``origin`` would."""
    with connect(
        address,
        origin=Origin(origin),
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        proxy=None,
        max_queue=None,  # it hears all that the bridge says, and reads when it asks
    ) as connection:
        yield Desk(connection)
