"""Plugs a virtual card into PC/SC's virtual reader driver (vsmartcard's vpcd), over TCP.

Run as a process of its own, ``python -m reader_bridge.virtual.vpcd --port N CARD.json``: the card
is in the reader as long as the process lives. The driver listens on all addresses of the PC, so
use it on a PC for development or tests only.
"""

import argparse
import logging
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from reader_bridge.piv.apdu import Channel
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS
from reader_bridge.virtual.state import new_card

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
CONNECT_SECONDS = 5
INSERTED = "The card is in the reader."

# Messages of one byte are the driver's own; every other is an APDU.
POWER_OFF = 0x00
POWER_ON = 0x01
RESET = 0x02
GET_ATR = 0x04


class Reader(Channel):
    """A card as the driver sees it: messages in, messages out. No sockets here."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card

    def receive(self, message: bytes) -> bytes | None:
        """Answer one message of the driver; None where it expects no answer."""
        if len(message) != 1:
            return self.transmit(message)
        if message[0] == GET_ATR:
            return self._card.atr
        if message[0] in (POWER_OFF, POWER_ON, RESET):
            self._card.reset()
        return None

    def transmit(self, apdu: bytes) -> bytes:
        return self._card.transmit(apdu)

    @property
    def present(self) -> bool:
        return self._card.present


def run(reader: Reader, driver: socket.socket) -> None:
    """Serve the driver until it hangs up, or until the card is torn out."""
    while True:
        # Without this, each answer waits for the kernel's delayed acknowledgement: 48 ms an APDU.
        # The kernel forgets the option, so it is set again for each message.
        if hasattr(socket, "TCP_QUICKACK"):
            driver.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        head = _exactly(driver, 2)
        if head is None:
            return
        message = _exactly(driver, int.from_bytes(head, "big"))
        if message is None:
            return
        answer = reader.receive(message)
        if not reader.present:
            return
        if answer is not None:
            driver.sendall(len(answer).to_bytes(2, "big") + answer)


def _exactly(driver: socket.socket, size: int) -> bytes | None:
    received = b""
    while len(received) < size:
        part = driver.recv(size - len(received))
        if not part:
            return None
        received += part
    return received


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reader_bridge.virtual.vpcd")
    parser.add_argument("--port", type=int, required=True, help="the reader's TCP port")
    parser.add_argument("card", type=Path, help="the card's file")
    parser.add_argument(
        "--make",
        metavar="BEHAVIOUR",
        choices=sorted(BEHAVIOURS),
        help=f"make the card first if there is none: {', '.join(sorted(BEHAVIOURS))}",
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.make and not chosen.card.exists():
            new_card(chosen.card, behaviour=chosen.make, label=chosen.card.stem)
        card = VirtualCard.load(chosen.card)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The card cannot be read: {error}\n")
        return 1
    signal.signal(signal.SIGTERM, _leave)
    try:
        with socket.create_connection((HOST, chosen.port), CONNECT_SECONDS) as driver:
            driver.settimeout(None)
            driver.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sys.stdout.write(f"{INSERTED}\n")
            sys.stdout.flush()
            run(Reader(card), driver)
    except OSError as error:
        sys.stderr.write(f"No virtual reader on port {chosen.port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
