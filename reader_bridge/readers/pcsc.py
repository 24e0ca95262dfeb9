"""Cards in real readers, through the PC/SC service. The only file that imports pyscard.

Each reader has a context of its own, so that two of them work in parallel; it lasts as long as the
service does (``pcscd`` fails after a few hundred contexts in one process). All secrets that were
proven to a card are visible to every other program until the card is reset.
"""

import logging
import threading
from typing import Any

from smartcard import scard

from reader_bridge.piv.errors import CardRemoved, NotAPivCard
from reader_bridge.readers.protocol import CardBusy, NoCard, NoReader, NoService, ReaderError

log = logging.getLogger(__name__)

# Result codes of [PC/SC part 5], as winscard.h and pcsclite.h number them
OK = 0x00000000
INVALID_HANDLE = 0x80100003
CANCELLED = 0x80100002
UNKNOWN_READER = 0x80100009
TIMEOUT = 0x8010000A
SHARING_VIOLATION = 0x8010000B
NO_SMARTCARD = 0x8010000C
NOT_READY = 0x80100010
COMM_ERROR = 0x80100013
READER_UNAVAILABLE = 0x80100017
NO_SERVICE = 0x8010001D
SERVICE_STOPPED = 0x8010001E
NO_READERS = 0x8010002E
COMM_DATA_LOST = 0x8010002F
UNRESPONSIVE_CARD = 0x80100066
UNSUPPORTED_CARD = 0x80100065
RESET_CARD = 0x80100068
REMOVED_CARD = 0x80100069

SERVICE_GONE = frozenset({INVALID_HANDLE, COMM_ERROR, NO_SERVICE, SERVICE_STOPPED})
NO_READER_THERE = frozenset({UNKNOWN_READER, READER_UNAVAILABLE, NO_READERS})
NO_CARD_OF_OURS = frozenset({UNRESPONSIVE_CARD, UNSUPPORTED_CARD})

PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
RECONNECTS = 3


def establish() -> Any:
    """A new PC/SC context.

    Raises:
        NoService: there is no PC/SC service.
    """
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if code & 0xFFFFFFFF != OK:
        raise NoService
    return context


class PcscConnection:
    """A shared connection to the card in one reader."""

    def __init__(self, reader: "PcscReader", context: Any) -> None:
        self._reader = reader
        self._context = context
        self._card: Any = None
        self._protocol = 0
        self._in_transaction = False
        self._connect()

    @property
    def atr(self) -> bytes:
        code, _, _, _, atr = scard.SCardStatus(self._card)
        if code & 0xFFFFFFFF != OK:
            raise CardRemoved
        return bytes(atr)

    def begin(self) -> None:
        for _ in range(RECONNECTS):
            code = scard.SCardBeginTransaction(self._card) & 0xFFFFFFFF
            if code == OK:
                self._in_transaction = True
                return
            # The handle must go in any case: one that was kept would keep the transaction, and
            # with it the card from every program. Another program has reset the card; nothing has
            # been done on this handle yet, so that a new one is as good.
            self._disconnect(scard.SCARD_LEAVE_CARD)
            if code != RESET_CARD:
                self._raise(code)
            self._connect()
        raise CardBusy

    def transmit(self, apdu: bytes) -> bytes:
        is_t1 = self._protocol == scard.SCARD_PROTOCOL_T1
        header = scard.SCARD_PCI_T1 if is_t1 else scard.SCARD_PCI_T0
        code, answer = scard.SCardTransmit(self._card, header, list(apdu))
        if code & 0xFFFFFFFF != OK or len(answer) < 2:
            # A card pulled at the wrong moment may even answer success, and nothing with it.
            raise CardRemoved
        return bytes(answer)

    def keep_alive(self) -> None:
        if scard.SCardStatus(self._card)[0] & 0xFFFFFFFF != OK:
            raise CardRemoved

    def end(self, *, reset: bool) -> None:
        if self._card is None:
            return
        disposition = scard.SCARD_RESET_CARD if reset else scard.SCARD_LEAVE_CARD
        if self._in_transaction:
            self._in_transaction = False
            code = scard.SCardEndTransaction(self._card, disposition) & 0xFFFFFFFF
            if code != OK:
                log.debug("the transaction ended with %08X", code)
        self._disconnect(disposition)

    def _connect(self) -> None:
        code, self._card, self._protocol = scard.SCardConnect(
            self._context, self._reader.name, scard.SCARD_SHARE_SHARED, PROTOCOLS
        )
        code &= 0xFFFFFFFF
        if code != OK:
            self._card = None
            self._raise(code)

    def _disconnect(self, disposition: int) -> None:
        card, self._card = self._card, None
        scard.SCardDisconnect(card, disposition)

    def _raise(self, code: int) -> None:
        if code in SERVICE_GONE:
            self._reader.forget_context()
        raise error_of(code)


def error_of(code: int) -> ReaderError | CardRemoved | NotAPivCard:
    """What a result code means for somebody who wanted a card."""
    if code == NO_SMARTCARD:
        return NoCard()
    if code == REMOVED_CARD:
        return CardRemoved()
    if code in NO_READER_THERE:
        return NoReader()
    if code in SERVICE_GONE:
        return NoService()
    if code in NO_CARD_OF_OURS:
        return NotAPivCard()
    if code in (SHARING_VIOLATION, RESET_CARD):
        return CardBusy()
    log.warning("PC/SC answered %08X", code)
    return CardRemoved()


class PcscReader:
    """A reader that the PC/SC service lists."""

    virtual = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._context: Any = None

    def connect(self) -> PcscConnection:
        """Connect to the card; waits, without limit, while another program has a transaction."""
        for attempt in (1, 2):
            if self._context is None:
                self._context = establish()
            try:
                return PcscConnection(self, self._context)
            except NoService:
                if attempt == 2:
                    raise
        raise NoService

    def forget_context(self) -> None:
        """The service that the context belonged to is gone."""
        context, self._context = self._context, None
        if context is not None:
            scard.SCardReleaseContext(context)

    close = forget_context


class Watch:
    """One look after another at all readers, with a context of its own. For one thread.

    ``interrupt`` alone may be called from another.
    """

    NOTIFICATION = "\\\\?PnP?\\Notification"

    def __init__(self) -> None:
        """Raises NoService."""
        self._context = establish()
        self._states: dict[str, int] = {}
        self._lock = threading.Lock()

    def look(self, timeout: float) -> dict[str, "Seen"]:
        """Wait for a change, at most ``timeout`` seconds, and return what each reader holds.

        Raises:
            NoService: the service has stopped.
        """
        names = self._list()
        self._states = {name: self._states.get(name, scard.SCARD_STATE_UNAWARE) for name in names}
        is_news = any(state == scard.SCARD_STATE_UNAWARE for state in self._states.values())
        asked = [(self.NOTIFICATION, scard.SCARD_STATE_UNAWARE | len(names) << 16)]
        asked += list(self._states.items())
        wait = 0 if is_news else int(timeout * 1000)
        code, states = scard.SCardGetStatusChange(self._context, wait, asked)
        code &= 0xFFFFFFFF
        if code in SERVICE_GONE:
            raise NoService
        if code in (OK, TIMEOUT):
            for name, state, _ in states:
                if name in self._states:
                    self._states[name] = state & ~scard.SCARD_STATE_CHANGED
        return {name: Seen.of(state) for name, state in self._states.items()}

    def interrupt(self) -> None:
        """End a ``look`` that is waiting."""
        with self._lock:
            if self._context is not None:
                scard.SCardCancel(self._context)

    def close(self) -> None:
        with self._lock:
            context, self._context = self._context, None
        scard.SCardReleaseContext(context)

    def _list(self) -> list[str]:
        code, names = scard.SCardListReaders(self._context, [])
        code &= 0xFFFFFFFF
        if code in SERVICE_GONE:
            raise NoService
        return list(names) if code == OK else []


class Seen:
    """What a look at one reader showed. Two looks are equal when it was the same insertion."""

    def __init__(self, *, card: bool, busy: bool, count: int) -> None:
        self.card = card
        self.busy = busy
        self.count = count

    @classmethod
    def of(cls, state: int) -> "Seen":
        present = bool(state & scard.SCARD_STATE_PRESENT)
        # The high half counts insertions and removals: a card swapped between two looks shows.
        return cls(
            card=present,
            busy=present and bool(state & scard.SCARD_STATE_EXCLUSIVE),
            count=state >> 16 & 0xFFFF,
        )
