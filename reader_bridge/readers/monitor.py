"""Watches the PC/SC readers in a thread of its own, and enters what comes and goes on the board.

Survives a stop of the service: Windows stops it with the last reader, and updates restart it.
"""

import logging
import threading

from reader_bridge.readers.board import Board
from reader_bridge.readers.pcsc import PcscReader, Seen, Watch
from reader_bridge.readers.protocol import NoService

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0  # without any change, the list of readers is read again this often
RETRY_SECONDS = 1.0  # without a service
FIRST_LOOK_SECONDS = 2.0
NO_SERVICE = "no-service"


class PcscReaders:
    """The source of all readers of the PC/SC service."""

    def __init__(self, board: Board, *, retry: float = RETRY_SECONDS) -> None:
        self._board = board
        self._retry = retry
        self._readers: dict[str, PcscReader] = {}
        # Kept when a reader is unplugged: with it its context, of which there may not be many.
        self._known: dict[str, PcscReader] = {}
        self._seen: dict[str, Seen] = {}
        self._stop = threading.Event()
        self._looked = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="reader monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._looked.wait(FIRST_LOOK_SECONDS)

    def stop(self) -> None:
        self._stop.set()
        while self._thread.is_alive():
            watch = self._watch
            if watch is not None:
                watch.interrupt()
            self._thread.join(0.1)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._watch = Watch()
                log.info("the PC/SC service is there")
                while not self._stop.is_set():
                    self._enter(self._watch.look(LOOK_SECONDS))
                    self._board.readers_available()
                    self._looked.set()
            except NoService:
                self._lose_all()
            except Exception as error:
                # This thread is the only one that can tell that a card has gone: it never ends.
                log.error("watching the readers failed: %s", type(error).__name__)
                self._lose_all()
            finally:
                watch, self._watch = self._watch, None
                if watch is not None:
                    watch.close()
            self._looked.set()
            self._stop.wait(self._retry)

    def _lose_all(self) -> None:
        for name in tuple(self._readers):
            self._drop(name)
        self._board.readers_unavailable(NO_SERVICE)

    def _enter(self, seen: dict[str, Seen]) -> None:
        for name in set(self._readers) - set(seen):
            self._drop(name)
        for name, now in seen.items():
            if name not in self._readers:
                self._readers[name] = self._known.setdefault(name, PcscReader(name))
                self._board.reader_added(self._readers[name])
            before = self._seen.get(name)
            self._seen[name] = now
            self._enter_card(name, before, now)

    def _enter_card(self, name: str, before: Seen | None, now: Seen) -> None:
        had_card = before is not None and before.card
        another = had_card and before is not None and before.count != now.count
        if now.card and (not had_card or another):
            self._board.card_inserted(name)
        elif had_card and not now.card:
            self._board.card_removed(name)
        if now.busy and not (before is not None and before.busy):
            self._board.card_busy(name)

    def _drop(self, name: str) -> None:
        self._seen.pop(name, None)
        del self._readers[name]
        self._board.reader_removed(name)
