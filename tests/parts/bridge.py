"""A bridge that runs inside the test's own process, and a server that may give it tickets.

``running_bridge(settings)`` is the real server on a free port, in a thread. ``TicketOffice`` signs
tickets as the service does.
"""

import asyncio
import json
import logging
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from joserfc import jwe, jws
from joserfc.jwk import OKPKey
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from reader_bridge import contract, encoding
from reader_bridge.contract import Hold, Say, Typ
from reader_bridge.server import BridgeServer
from reader_bridge.settings import Limits, ReaderKinds, Settings, VirtualReaders

ORIGIN = "https://identity.test"
READER_1 = "Virtual reader 1"
READER_2 = "Virtual reader 2"
ANSWER_SECONDS = 20
SERVICE_HANDLER = "cis"  # of app.logs

Message = dict[str, Any]


class TicketOffice:
    """Signs tickets, and seals values, as the service does."""

    def __init__(self, origin: str = ORIGIN) -> None:
        self.key = OKPKey.generate_key("Ed25519")
        self.origin = origin

    @property
    def jwk(self) -> dict[str, Any]:
        return dict(self.key.as_dict(private=False))

    def ticket(
        self,
        sid: str,
        seat: str,
        card: str | None,
        work: list[Message],
        /,
        *,
        header: Mapping[str, Any] | None = None,
        key: OKPKey | None = None,
        **claims: Any,
    ) -> str:
        """A good ticket, apart from what ``header``, ``key`` and ``claims`` say otherwise."""
        values: Message = {
            "iss": self.origin,
            "aud": sid,
            "jti": secrets.token_urlsafe(16),
            "until": 60,
            "op": "operation-1",
            "step": 1,
            "seat": seat,
            "card": card,
            "work": work,
            "hold": Hold.NOTHING,
            "continues": False,
        }
        values |= claims
        key = key or self.key
        top = {"alg": "Ed25519", "typ": Typ.TICKET.value, "kid": self.key.thumbprint()}
        top |= header or {}
        return jws.serialize_compact(
            top, json.dumps(values), key, algorithms=["Ed25519", "EdDSA", "none"]
        )


def sealed(ek: Mapping[str, Any], value: bytes | list[str]) -> str:
    """A value sealed for one connection, as the service seals it."""
    plain = value if isinstance(value, bytes) else json.dumps(value).encode()
    key = OKPKey.import_key(dict(ek))
    return jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, plain, key)


def bridge_settings(folder: Path, *keys: Mapping[str, Any], **limits: float) -> Settings:
    """Settings of a bridge with two virtual readers and a desk, on a port of its own."""
    (folder / "cards").mkdir(parents=True, exist_ok=True)
    return Settings(
        origins=(ORIGIN,),
        keys=keys,
        readers=ReaderKinds.VIRTUAL,
        first_port=0,
        state=folder,
        virtual=VirtualReaders(readers=(READER_1, READER_2), desk=True),
        limits=replace(Limits(), **limits),
    )


class Apart(logging.Handler):
    """Takes what a bridge in a thread says to pytest's log, which a failing test shows, and not to
    where the service beside it says things.

    Its thread speaks when it likes, also between a test and its teardown, when nothing is caught:
    what it said to standard error would stand among pytest's dots.
    """

    def emit(self, record: logging.LogRecord) -> None:
        for handler in logging.getLogger().handlers:
            if handler.get_name() != SERVICE_HANDLER and record.levelno >= handler.level:
                handler.handle(record)


def log_apart() -> None:
    logger = logging.getLogger("reader_bridge")
    logger.handlers, logger.propagate = [Apart()], False


class RunningBridge:
    """A bridge in a thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.server: BridgeServer
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def origin(self) -> str:
        return self.settings.origins[0]

    def start(self) -> None:
        log_apart()
        self._thread.start()
        assert self._ready.wait(10), "the bridge did not start"
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """End it; once more is no harm."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(15)
        assert not self._thread.is_alive(), "the bridge did not stop"

    def insert(self, card: str, reader: str = READER_1) -> None:
        assert self.server.around.virtual_readers is not None
        self.server.around.virtual_readers.insert(card, reader)

    def remove(self, reader: str = READER_1) -> None:
        assert self.server.around.virtual_readers is not None
        self.server.around.virtual_readers.remove(reader)

    @contextmanager
    def occupied(self, reader: str = READER_1) -> Iterator[None]:
        """Somebody else has the card in a reader."""
        lane = self.server.around.lanes.of(reader)
        asyncio.run_coroutine_threadsafe(lane.enter(1), self._loop).result(5)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(lane.leave)

    def page(self, origin: str | None = None) -> "Page":
        """A page of the service, connected."""
        return Page(self.port, origin or self.origin)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._failed = error
            self._ready.set()
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self.server = BridgeServer(self.settings)
        await self.server.start()
        self._ready.set()
        await self._stop.wait()
        await self.server.stop()


@contextmanager
def running_bridge(settings: Settings) -> Iterator[RunningBridge]:
    """A bridge that runs as long as the ``with`` block."""
    bridge = RunningBridge(settings)
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.stop()


class Page:
    """What a page does with a bridge: hears events, asks, and waits for the answer."""

    def __init__(self, port: int, origin: str = ORIGIN) -> None:
        self._opening = connect(
            f"ws://{contract.HOST}:{port}{contract.PATH}",
            origin=Origin(origin),
            subprotocols=[Subprotocol(contract.SUBPROTOCOL)],
            proxy=None,
            compression=None,
        )
        self._connection: ClientConnection = self._opening.__enter__()
        self.events: list[Message] = []
        self.answers: dict[Any, Message] = {}
        self.progress: list[str] = []
        self._last = 0
        first = self.hear()
        assert first["event"] == "hello", first
        self.hello = first["hello"]
        self.claims = json.loads(encoding.to_bytes(self.hello.split(".")[1]))
        self.until_event("ready")

    @property
    def sid(self) -> str:
        return str(self.claims["sid"])

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._opening.__exit__(None, None, None)

    def send(self, message: Message | str | bytes) -> None:
        self._connection.send(json.dumps(message) if isinstance(message, dict) else message)

    def hear(self, timeout: float = ANSWER_SECONDS) -> Message:
        """The next message, whatever it is; entered under events, progress or answers."""
        message: Message = json.loads(self._connection.recv(timeout=timeout))
        if "event" in message:
            self.events.append(message)
        elif "progress" in message:
            self.progress.append(message["progress"]["stage"])
        elif "re" in message:
            self.answers[message["re"]] = message
        return message

    def until_event(self, name: str, **fields: Any) -> Message:
        """Wait for an event with these fields that has not been waited for yet."""
        while True:
            for event in self.events:
                if event["event"] == name and fields.items() <= event.items():
                    self.events.remove(event)
                    return event
            self.hear()

    def begin(self, command: Say | str, **fields: Any) -> int:
        """Ask without waiting for the answer; returns the number of the question."""
        self._last += 1
        self.send({"id": self._last, "command": command, **fields})
        return self._last

    def answer_to(self, number: int) -> Message:
        while number not in self.answers:
            self.hear()
        return self.answers.pop(number)

    def ask(self, command: Say | str, **fields: Any) -> Message:
        return self.answer_to(self.begin(command, **fields))

    def read_card(self, reader: str = READER_1) -> Message:
        """What the bridge says of the card in a reader."""
        answer = self.ask(Say.READ_CARD, reader=reader)
        assert "ok" in answer, answer
        facts: Message = answer["ok"]
        return facts

    def step(
        self, office: TicketOffice, card: Message, work: list[Message], **options: Any
    ) -> Message:
        """Have a ticket signed for a card that was read, and do its work. Returns the answer.

        ``options`` are passcode and new_passcode for the bridge; all others are claims.
        """
        typed = {n: options.pop(n) for n in ("passcode", "new_passcode") if n in options}
        ticket = office.ticket(self.sid, card["seat"], card["guid"], work, **options)
        return self.ask(Say.STEP, ticket=ticket, **typed)
