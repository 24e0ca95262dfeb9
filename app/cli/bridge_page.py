"""A page without a browser: holds a connection to a reader bridge and runs card operations over it.

It does what `<card-step>` does in a real page: fetches the ticket, hands it with the passcode to
the bridge, brings the answer back, and goes on for as long as the server has another ticket.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from app.card_operations import wire
from app.card_operations.answers import Answer, NextTicket
from app.card_operations.issue import BlankCard
from reader_bridge.contract import HOST, KEY_GENERATION_SECONDS, PATH, SUBPROTOCOL, Event, Say

Message = dict[str, Any]
ANSWER_SECONDS = 2 * KEY_GENERATION_SECONDS
CARD_SECONDS = 10


class BridgeUnreachable(Exception):
    """There is no reader bridge there, or it does not let this service in."""


class BridgeSaidNo(Exception):
    """The bridge refused a request that is not a step. ``code`` is one of the contract's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoSuchCard(Exception):
    """There is no card in the reader, or no such reader."""


class BridgePage:
    """One connection to a bridge. ``browser`` is a digest of its own, as a browser would have."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._asked = 0
        self.browser = secrets.token_hex(32)
        self.seats: dict[str, str] = {}  # reader -> seat of the card in it
        self.progress: list[str] = []
        self.hello = ""
        self.sid = ""
        self._until(lambda event: event.get("event") == Event.READY)

    def ask(self, command: Say, **fields: Any) -> Message:
        """Ask the bridge and wait for its answer: {"ok": ...} or {"error": ...}."""
        self._asked += 1
        number = self._asked
        with _gone_if_lost():
            self._connection.send(json.dumps({"id": number, "command": command, **fields}))
        return self._until(lambda said: said.get("re") == number and "progress" not in said)

    def read_card(self, reader: str) -> Message:
        """What the bridge reads from the card in a reader, without a ticket.

        Raises:
            NoSuchCard, BridgeSaidNo.
        """
        if reader not in self.seats:
            raise NoSuchCard(reader)
        return self._ok(self.ask(Say.READ_CARD, reader=reader))

    def blank_card(self, reader: str) -> BlankCard:
        """The card in a reader, as issuing wants it described."""
        return blank_card(self.read_card(reader))

    def desk(self, action: str, **fields: str) -> Message:
        """Move a virtual card, and wait until the readers are as they should be.

        Raises:
            BridgeSaidNo: the settings do not allow it, or there is no such card or reader.
        """
        reader = fields.get("reader", "")
        before = self.seats.get(reader)
        answer = self._ok(self.ask(Say.DESK, action=action, **fields))
        if action == "insert":
            while self.seats.get(reader) in (None, before):
                self._hear()
        elif action == "remove":
            while reader in self.seats:
                self._hear()
        return answer

    def step(self, ticket: NextTicket, **passcodes: str | None) -> Message:
        """Have the bridge do one ticket; return what a page posts back to the server."""
        typed = {name: value for name, value in passcodes.items() if value is not None}
        answer = self.ask(Say.STEP, ticket=ticket.ticket, **typed)
        if "ok" in answer:
            done = answer["ok"]
            return {
                "step": ticket.step,
                "results": done["results"],
                "receipt": done["receipt"],
            }
        return {"step": ticket.step, "error": answer["error"], "receipt": answer.get("receipt")}

    def run(
        self,
        first: NextTicket,
        bring: Callable[[str, Message], Answer],
        **passcodes: str | None,
    ) -> Answer:
        """Go from ticket to ticket until the server has another answer.

        ``bring`` takes the operation and the result to the server.
        """
        answer: Answer = first
        while isinstance(answer, NextTicket):
            answer = bring(answer.operation, self.step(answer, **passcodes))
        return answer

    def _until(self, wanted: Callable[[Message], bool]) -> Message:
        while True:
            message = self._hear()
            if wanted(message):
                return message

    def _hear(self) -> Message:
        with _gone_if_lost():
            message: Message = json.loads(self._connection.recv(timeout=ANSWER_SECONDS))
        event = message.get("event")
        if event == Event.HELLO:
            self.hello = message["hello"]
            self.sid = _claims(self.hello)["sid"]
        elif event == Event.CARD_INSERTED:
            self.seats[message["reader"]] = message["seat"]
        elif event == Event.CARD_REMOVED:
            self.seats.pop(message["reader"], None)
        elif "progress" in message:
            self.progress.append(message["progress"]["stage"])
        return message

    @staticmethod
    def _ok(answer: Message) -> Message:
        if "ok" not in answer:
            raise BridgeSaidNo(str(answer["error"]["code"]))
        done: Message = answer["ok"]
        return done


@contextmanager
def _gone_if_lost() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, WebSocketException) as error:
        raise BridgeUnreachable(f"the bridge has gone: {error}") from error


@contextmanager
def bridge_page(port: int, origin: str) -> Iterator[BridgePage]:
    """Connect to the bridge of this machine, as a page of ``origin`` would.

    Raises:
        BridgeUnreachable: nothing listens there, or it does not trust this origin.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(
                connect(
                    f"ws://{HOST}:{port}{PATH}",
                    origin=Origin(origin),
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    proxy=None,
                    compression=None,
                )
            )
        except (OSError, WebSocketException) as error:
            raise BridgeUnreachable(f"{HOST}:{port}: {error}") from error
        yield BridgePage(connection)


def blank_card(facts: Mapping[str, Any]) -> BlankCard:
    """The answer to read-card, as issuing wants it."""
    rule = facts["rule"]
    return BlankCard(
        guid=facts["guid"],
        virtual=facts["virtual"],
        profile=facts["profile"],
        manufacturer=facts["manufacturer"],
        serial=facts["serial"],
        min_length=rule["min_length"],
        max_length=rule["max_length"],
        alphabet=rule["alphabet"],
    )


def _claims(token: str) -> Message:
    claims: Message = json.loads(wire.to_bytes(token.split(".")[1]))
    return claims
