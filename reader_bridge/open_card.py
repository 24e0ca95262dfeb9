"""A card in a transaction: from taking it to letting go of it. Runs in the reader's thread."""

import logging

from reader_bridge.errors import CardChanged
from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.piv.errors import CardRemoved
from reader_bridge.readers.protocol import Reader, ReaderConnection
from reader_bridge.watch import WatchedConnection

log = logging.getLogger(__name__)


class OpenCard:
    """One transaction with one card, over one step or over the steps of an open card session."""

    def __init__(self, connection: ReaderConnection) -> None:
        self._connection = connection
        self.watched = WatchedConnection(CardConnection(connection))
        self.card = PivCard(self.watched, atr=connection.atr)
        self.guid: str | None = None
        self.passcode_verified = False
        self.endorsable: dict[str, str] = {}  # slot -> thumbprint of the key that was made in it
        self._ended = False

    @classmethod
    def take(cls, reader: Reader) -> "OpenCard":
        """Connect to the card in a reader and begin a transaction.

        Raises:
            NoCard, CardBusy, NoReader, NoService, CardRemoved.
        """
        connection = reader.connect()
        try:
            connection.begin()
            return cls(connection)
        except BaseException:
            connection.end(reset=False)
            raise

    def select(self) -> None:
        """Select the PIV application and read the card's GUID."""
        self.card.select()
        self.passcode_verified = False
        self.read_guid()

    def read_guid(self) -> None:
        chuid = self.card.read_chuid()
        self.guid = chuid.guid.hex() if chuid else None

    def must_be(self, guid: str | None) -> None:
        """Make sure that this is the card that was meant.

        Raises:
            CardChanged: it is another one.
        """
        if self.guid != guid:
            raise CardChanged

    def keep_alive(self) -> None:
        """Keep an idle transaction; raises CardRemoved when it is gone."""
        self._connection.keep_alive()

    def let_go(self) -> None:
        """End the transaction; reset the card where it was told a secret. Never raises."""
        if self._ended:
            return
        self._ended = True
        try:
            self._connection.end(reset=self.watched.secret_sent)
        except CardRemoved:
            log.debug("the card was gone before it was let go of")
