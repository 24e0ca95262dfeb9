"""The board on which readers and cards are entered as they come and go. Touches no card.

Each insertion gets a seat: a random name, so that a card which was out for a moment, or another one
in its place, is never taken for the card that was there before.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reader_bridge.contract import Event
from reader_bridge.readers.protocol import Reader

Listener = Callable[[dict[str, Any]], None]
REMEMBERED = 256  # seats of cards that have left


@dataclass
class _Place:
    reader: Reader
    seat: str | None = None


class Board:
    """Safe to use from any thread. Listeners are called in order, one event at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._places: dict[str, _Place] = {}
        self._gone: OrderedDict[str, str] = OrderedDict()  # seat -> reader
        self._unavailable: str | None = None
        self._listeners: list[Listener] = []

    # what the sources enter

    def reader_added(self, reader: Reader) -> None:
        with self._lock:
            if reader.name not in self._places:
                self._places[reader.name] = _Place(reader)
                self._tell(_reader_added(reader))

    def reader_removed(self, name: str) -> None:
        with self._lock:
            if name in self._places:
                self.card_removed(name)
                del self._places[name]
                self._tell({"event": Event.READER_REMOVED, "reader": name})

    def card_inserted(self, name: str) -> None:
        """A card is in the reader. One that was there before has left in between."""
        with self._lock:
            place = self._places.get(name)
            if place is not None:
                self.card_removed(name)
                place.seat = secrets.token_hex(16)
                self._tell(_card_inserted(name, place.seat))

    def card_removed(self, name: str) -> None:
        with self._lock:
            place = self._places.get(name)
            if place is not None and place.seat is not None:
                seat, place.seat = place.seat, None
                self._gone[seat] = name
                while len(self._gone) > REMEMBERED:
                    self._gone.popitem(last=False)
                self._tell({"event": Event.CARD_REMOVED, "reader": name, "seat": seat})

    def card_busy(self, name: str) -> None:
        """Another program holds the card in the reader."""
        with self._lock:
            place = self._places.get(name)
            if place is not None and place.seat is not None:
                self._tell({"event": Event.CARD_BUSY, "reader": name, "seat": place.seat})

    def readers_unavailable(self, reason: str) -> None:
        """There is no PC/SC service; it may come back."""
        with self._lock:
            if self._unavailable != reason:
                self._unavailable = reason
                self._tell({"event": Event.READERS_UNAVAILABLE, "reason": reason})

    def readers_available(self) -> None:
        with self._lock:
            self._unavailable = None

    # what the sessions ask

    @property
    def unavailable(self) -> str | None:
        """Why there are no PC/SC readers, where that is so."""
        with self._lock:
            return self._unavailable

    def reader(self, name: str) -> Reader | None:
        with self._lock:
            place = self._places.get(name)
            return place.reader if place else None

    def seat_of(self, name: str) -> str | None:
        """The seat of the card that is in the reader now."""
        with self._lock:
            place = self._places.get(name)
            return place.seat if place else None

    def reader_at(self, seat: str) -> Reader | None:
        """The reader that holds the card of this insertion, if it is still there."""
        with self._lock:
            for place in self._places.values():
                if place.seat == seat:
                    return place.reader
            return None

    def last_reader_of(self, seat: str) -> str | None:
        """The name of the reader in which a card that has left was seated."""
        with self._lock:
            return self._gone.get(seat)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` what is there now, then every change; returns how to stop it."""
        with self._lock:
            if self._unavailable is not None:
                listener({"event": Event.READERS_UNAVAILABLE, "reason": self._unavailable})
            for name, place in self._places.items():
                listener(_reader_added(place.reader))
                if place.seat is not None:
                    listener(_card_inserted(name, place.seat))
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def _tell(self, event: dict[str, Any]) -> None:
        for listener in tuple(self._listeners):
            listener(event)


def _reader_added(reader: Reader) -> dict[str, Any]:
    return {"event": Event.READER_ADDED, "reader": reader.name, "virtual": reader.virtual}


def _card_inserted(name: str, seat: str) -> dict[str, Any]:
    return {"event": Event.CARD_INSERTED, "reader": name, "seat": seat}
