"""The websocket server on this PC's loopback address: listens, lets in, carries messages."""

import asyncio
import json
import logging
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from reader_bridge import contract, door
from reader_bridge.around import Around
from reader_bridge.contract import Code, Event
from reader_bridge.readers.board import Board
from reader_bridge.readers.protocol import ReaderSource
from reader_bridge.readers.virtual import VirtualReaders
from reader_bridge.session import Message, Session
from reader_bridge.settings import ReaderKinds, Settings
from reader_bridge.workstation import Workstation, load_or_make

log = logging.getLogger(__name__)

UNSENT = 256  # messages that a page may leave unread before it is let go of
SECONDS_TO_SAY_GOODBYE = 2.0


class NoFreePort(Exception):
    """Every port of the range is taken."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(f"ports {first} to {last} are all taken")


def sources_of(
    settings: Settings, board: Board
) -> tuple[list[ReaderSource], VirtualReaders | None]:
    """The sources of readers that the settings ask for, and the virtual one among them."""
    sources: list[ReaderSource] = []
    virtual = None
    if settings.readers is not ReaderKinds.PCSC:
        virtual = VirtualReaders(
            board, settings.virtual.readers, settings.cards, settings.virtual.inserted
        )
        sources.append(virtual)
    if settings.readers is not ReaderKinds.VIRTUAL:
        try:
            from reader_bridge.readers.monitor import PcscReaders
        except ImportError:
            log.warning("pyscard is not installed: there are no PC/SC readers")
            board.readers_unavailable("not-installed")
        else:
            sources.append(PcscReaders(board))
    return sources, virtual


class BridgeServer:
    """One bridge: its readers, its port, and the pages that are connected."""

    def __init__(
        self,
        settings: Settings,
        *,
        board: Board | None = None,
        workstation: Workstation | None = None,
    ) -> None:
        """
        Args:
            board: where readers are entered; tests may hand in one of their own.
            workstation: its key; read from the state folder, or made there, without one.
        """
        self._settings = settings
        board = board or Board()
        self._sources, virtual = sources_of(settings, board)
        self.around = Around(
            settings=settings,
            workstation=workstation or load_or_make(settings.state),
            board=board,
            virtual_readers=virtual,
        )
        self.port = 0
        self._server: Server | None = None
        self._inside: set[ServerConnection] = set()

    async def start(self) -> None:
        """Find the readers and take a port.

        Raises:
            NoFreePort: all are taken.
        """
        for source in self._sources:
            await asyncio.to_thread(source.start)
        try:
            self._server = await self._listen()
        except BaseException:
            await self._stop_readers()
            raise
        log.info("listening on %s:%d", contract.HOST, self.port)

    async def stop(self) -> None:
        """Say goodbye to the pages, let go of the cards, end the threads."""
        if self._server is not None:
            self._server.close(code=CloseCode.GOING_AWAY)
            try:
                async with asyncio.timeout(SECONDS_TO_SAY_GOODBYE):
                    await self._server.wait_closed()
            except TimeoutError:
                log.warning("a page did not say goodbye")
        await self._stop_readers()
        log.info("stopped")

    @property
    def is_stuck(self) -> bool:
        """Whether a reader has not come back: its thread will not end by itself."""
        return self.around.lanes.any_stuck

    async def _stop_readers(self) -> None:
        for source in self._sources:
            await asyncio.to_thread(source.stop)
        self.around.lanes.close()

    async def _listen(self) -> Server:
        first, count = self._settings.first_port, self._settings.ports
        for port in range(first, first + count) if first else (0,):
            try:
                server = await serve(
                    self._talk,
                    contract.HOST,
                    port,
                    process_request=self._at_the_door,
                    subprotocols=[Subprotocol(contract.SUBPROTOCOL)],
                    compression=None,
                    max_size=contract.MAX_FRAME_BYTES,
                    max_queue=16,
                    open_timeout=5,
                    close_timeout=SECONDS_TO_SAY_GOODBYE,
                    server_header=None,
                    logger=_silent_logger(),
                )
            except OSError as error:
                log.debug("port %d: %s", port, error.strerror)
                continue
            self.port = next(iter(server.sockets)).getsockname()[1]
            return server
        raise NoFreePort(first, first + count - 1)

    def _at_the_door(self, connection: ServerConnection, request: Request) -> Response | None:
        peer = connection.remote_address or ("", 0)
        knock = door.Knock(
            method=request.method,
            path=request.path,
            hosts=request.headers.get_all("Host"),
            origins=request.headers.get_all("Origin"),
            subprotocols=request.headers.get_all("Sec-WebSocket-Protocol"),
            peer=str(peer[0]),
            same_user=door.is_same_user(int(peer[1]), self.port),
        )
        refusal = door.refusal(knock, port=self.port, origins=self._settings.origins)
        if refusal is None:
            return None
        log.warning("refused at the door: %s", refusal)
        headers = Headers({"Content-Length": "0", "Connection": "close"})
        return Response(403, "Forbidden", headers)

    async def _talk(self, connection: ServerConnection) -> None:
        if len(self._inside) >= self._settings.limits.connections:
            log.warning("refused: %d connections already", len(self._inside))
            await _tell_too_many(connection, self._settings.limits.connections)
            return
        self._inside.add(connection)
        assert connection.request is not None  # the door has read it
        origin = connection.request.headers["Origin"]
        outbox = Outbox(connection)
        session = Session(self.around, origin, outbox.put)
        log.info("a page of %s came in", origin)
        requests: set[asyncio.Task[None]] = set()
        helpers = [
            asyncio.create_task(outbox.send_all()),
            asyncio.create_task(self._tick(outbox)),
        ]
        try:
            session.begin()
            async for frame in connection:
                request = _request(frame)
                if request is None:
                    outbox.put({"re": None, "error": {"code": Code.UNSUPPORTED}})
                    continue
                log.debug("asked: %s", _name(request))
                task = asyncio.create_task(session.receive(request))
                requests.add(task)
                task.add_done_callback(requests.discard)
        except ConnectionClosed as error:
            log.info("a page of %s was cut off: %s", origin, error.rcvd and error.rcvd.code)
        except Exception as error:
            log.error("a connection failed: %s", type(error).__name__)
        finally:
            self._inside.discard(connection)
            for helper in helpers:
                helper.cancel()
            await session.end()
            if requests:
                await asyncio.wait(requests)  # a card's work is ended, not broken off
            await session.end()
            log.info("a page of %s left", origin)

    async def _tick(self, outbox: "Outbox") -> None:
        while True:
            await asyncio.sleep(self._settings.limits.tick)
            outbox.put({"event": Event.TICK})


class Outbox:
    """What is to be sent to one page, in order, without making anybody wait for it."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._queue: asyncio.Queue[Message] = asyncio.Queue(UNSENT)
        self._full = False

    def put(self, message: Message) -> None:
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            if not self._full:
                self._full = True
                log.warning("a page does not read what it is sent; it is let go of")
                self._connection.transport.abort()

    async def send_all(self) -> None:
        try:
            while True:
                message = await self._queue.get()
                log.debug("said: %s", _name(message))
                await self._connection.send(json.dumps(message))
        except ConnectionClosed:
            pass  # the reading side notices, and ends the connection


async def _tell_too_many(connection: ServerConnection, limit: int) -> None:
    message = {"error": {"code": Code.TOO_MANY, "limit": limit}}
    try:
        await connection.send(json.dumps(message))
        await connection.close(CloseCode.TRY_AGAIN_LATER, Code.TOO_MANY)
    except ConnectionClosed:
        pass


def _request(frame: str | bytes) -> Message | None:
    """The request in a frame; None when it is binary, not JSON, or no object."""
    if isinstance(frame, bytes):
        return None
    try:
        request = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    return request if isinstance(request, dict) else None


def _name(message: Message) -> str:
    """The kind of a message for the log: a word of the contract, never anything it carries."""
    for field, words in (("event", Event), ("command", contract.Say)):
        value: Any = message.get(field)
        if isinstance(value, str) and value in set(words):
            return value
    for field in ("progress", "ok", "error"):
        if field in message:
            return field
    return "something unknown"


def _silent_logger() -> logging.Logger:
    """A logger for websockets that says nothing: its debug log shows every frame as it is."""
    logger = logging.getLogger("reader_bridge.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
