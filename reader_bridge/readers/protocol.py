"""What a reader is to the rest of the bridge, whether of plastic or of software."""

from typing import Protocol


class ReaderError(Exception):
    """Base of what goes wrong before a card answers. Never raised itself."""


class NoCard(ReaderError):
    """There is no card in the reader."""


class CardBusy(ReaderError):
    """Another program holds the card."""


class NoReader(ReaderError):
    """There is no such reader, or no longer."""


class NoService(ReaderError):
    """This PC has no PC/SC service, or it has stopped."""


class ReaderConnection(Protocol):
    """A connection to the card that is in a reader now, used by one thread at a time.

    Every method but ``end`` raises ``reader_bridge.piv.errors.CardRemoved`` when the card is gone.
    """

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""

    def begin(self) -> None:
        """Begin a transaction: no other program reaches the card until ``end``.

        Raises:
            CardBusy: another program holds the card.
        """

    def transmit(self, apdu: bytes) -> bytes:
        """Send one command APDU and return the response, its status word at the end."""

    def keep_alive(self) -> None:
        """Ask for the card's state, so that an idle transaction is not taken away."""

    def end(self, *, reset: bool) -> None:
        """End the transaction, resetting the card where ``reset``, and let go. Never raises."""


class Reader(Protocol):
    """A reader that is there now."""

    @property
    def name(self) -> str: ...

    @property
    def virtual(self) -> bool:
        """Whether the cards in it are software of this bridge."""

    def connect(self) -> ReaderConnection:
        """Connect to the card in it; may wait for another program without limit.

        Raises:
            NoCard, CardBusy, NoReader, NoService.
        """


class ReaderSource(Protocol):
    """What finds readers and tells the board of them, from a thread of its own if it needs one."""

    def start(self) -> None:
        """Name the readers and cards that are there now, and every change from then on."""

    def stop(self) -> None:
        """Tell nothing more, and end the thread."""
