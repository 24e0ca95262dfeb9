"""Commands to a card and its responses, and the connection that carries them.

[iso] = ISO/IEC 7816-4. Short APDUs with command chaining and GET RESPONSE, which every card
understands; extended length is a setting. What a command holds is never printed.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from reader_bridge.piv.errors import CardRemoved, MalformedAnswer

log = logging.getLogger(__name__)

SHORT_DATA = 255  # bytes in one short command
LARGEST_ANSWER = 32 * 1024  # nothing that PIV defines comes near; ends a card that never stops

CLA_CHAINED = 0x10  # [iso] 5.4.1: more of this command follows
INS_GET_RESPONSE = 0xC0  # [iso] 11.8.1

SW_OK = 0x9000


@dataclass(frozen=True, repr=False)
class Command:
    """One command. ``answers`` says that data is expected back (an Le byte is sent)."""

    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes = b""
    answers: bool = False
    cla: int = 0

    def __repr__(self) -> str:
        """The header and a length, never the data: it may be a PIN."""
        header = f"{self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}"
        return f"<Command {header} +{len(self.data)} bytes>"

    def __bytes__(self) -> bytes:
        """The command as one short APDU.

        Raises:
            ValueError: there is more data than one short APDU can carry.
        """
        return self._short(self.data, self.cla, 0 if self.answers else None)

    def frames(self, *, extended: bool = False) -> Iterator[bytes]:
        """Yield the APDUs that carry this command: one, or a chain of short ones."""
        if len(self.data) <= SHORT_DATA:
            yield bytes(self)
            return
        if extended:
            le = b"\x00\x00" if self.answers else b""
            length = b"\x00" + len(self.data).to_bytes(2, "big")
            yield bytes((self.cla, self.ins, self.p1, self.p2)) + length + self.data + le
            return
        last = (len(self.data) - 1) // SHORT_DATA * SHORT_DATA
        for start in range(0, last, SHORT_DATA):
            part = self.data[start : start + SHORT_DATA]
            yield self._short(part, self.cla | CLA_CHAINED, None)
        yield self._short(self.data[last:], self.cla, 0 if self.answers else None)

    def with_le(self, le: int) -> bytes:
        """The last frame again, asking for exactly ``le`` bytes (after 6Cxx)."""
        last = (len(self.data) - 1) // SHORT_DATA * SHORT_DATA if self.data else 0
        return self._short(self.data[last:], self.cla, le)

    def _short(self, data: bytes, cla: int, le: int | None) -> bytes:
        if len(data) > SHORT_DATA:
            raise ValueError(f"{len(data)} bytes do not fit one short command")
        apdu = bytes((cla, self.ins, self.p1, self.p2))
        if data:
            apdu += bytes((len(data),)) + data
        if le is not None:
            apdu += bytes((le,))
        return apdu


@dataclass(frozen=True, repr=False)
class Response:
    """What a card answered: data and the status word."""

    data: bytes
    sw: int

    @property
    def ok(self) -> bool:
        return self.sw == SW_OK

    def __repr__(self) -> str:
        """The status and a length, never the data."""
        return f"<Response {self.sw:04X} +{len(self.data)} bytes>"


class Channel(Protocol):
    """The way to one card: a PC/SC connection, or a virtual card."""

    def transmit(self, apdu: bytes) -> bytes:
        """Send one APDU and return the answer, status word last.

        Fewer than two bytes back mean that the card is gone. May raise CardRemoved itself.
        """
        ...


class Connection(Protocol):
    """What the rest of this package needs of a connection: whole commands, whole responses."""

    def transmit(self, command: Command) -> Response: ...


class CardConnection:
    """Whole commands over a channel: chaining, GET RESPONSE and wrong-length answers."""

    def __init__(self, channel: Channel, *, extended: bool = False) -> None:
        self._channel = channel
        self._extended = extended

    def transmit(self, command: Command) -> Response:
        """Send a command, in as many APDUs as it takes, and gather the whole answer.

        A chain ends at the first frame that the card refuses; its status is the answer.

        Raises:
            CardRemoved: the card did not answer. It may or may not have acted.
            MalformedAnswer: the answer has no end.
        """
        answer = Response(b"", SW_OK)
        for frame in command.frames(extended=self._extended):
            answer = self._exchange(command, frame)
            if not answer.ok:
                break
        if answer.sw >> 8 == 0x6C:  # [iso] 5.6: wrong Le; the right one is in the second byte
            answer = self._exchange(command, command.with_le(answer.sw & 0xFF))
        gathered = answer.data
        while answer.sw >> 8 == 0x61:  # [iso] 5.6: that many bytes are still to be fetched
            more = bytes((0, INS_GET_RESPONSE, 0, 0, answer.sw & 0xFF))
            answer = self._exchange(command, more)
            gathered += answer.data
            if len(gathered) > LARGEST_ANSWER:
                raise MalformedAnswer("endless")
        response = Response(gathered, answer.sw)
        log.debug("to card: %r; answer: %r", command, response)
        return response

    def _exchange(self, command: Command, frame: bytes) -> Response:
        try:
            raw = self._channel.transmit(frame)
        except CardRemoved as error:
            raise CardRemoved(command.ins) from error
        if len(raw) < 2:
            raise CardRemoved(command.ins)
        return Response(bytes(raw[:-2]), int.from_bytes(raw[-2:], "big"))
