"""Watches the commands that go to a card: may it have changed, and must it be reset afterwards?"""

from collections.abc import Callable

from reader_bridge.contract import Outcome
from reader_bridge.piv.apdu import Command, Connection, Response
from reader_bridge.piv.card import INS_RESET, INS_SELECT, INS_SERIAL
from reader_bridge.piv.keys import (
    INS_ATTEST,
    INS_GENERAL_AUTHENTICATE,
    INS_GENERATE_ASYMMETRIC,
)
from reader_bridge.piv.management import INS_SET_MANAGEMENT_KEY, MANAGEMENT_KEY
from reader_bridge.piv.objects import INS_GET_DATA, INS_PUT_DATA
from reader_bridge.piv.pin import (
    INS_CHANGE_REFERENCE_DATA,
    INS_METADATA,
    INS_RESET_RETRY_COUNTER,
    INS_SET_RETRIES,
    INS_VERIFY,
)

ONLY_ASK = frozenset({INS_SELECT, INS_GET_DATA, INS_METADATA, INS_SERIAL, INS_ATTEST})
CHANGE_WHEN_DONE = frozenset(
    {
        INS_CHANGE_REFERENCE_DATA,
        INS_RESET_RETRY_COUNTER,
        INS_SET_RETRIES,
        INS_SET_MANAGEMENT_KEY,
        INS_GENERATE_ASYMMETRIC,
        INS_RESET,
    }
)
CHANGE_EVEN_WHEN_REFUSED = frozenset({INS_PUT_DATA})  # an oversized write destroys the old object
WITH_SECRET = frozenset({INS_VERIFY, INS_CHANGE_REFERENCE_DATA, INS_RESET_RETRY_COUNTER})


class WatchedConnection:
    """A connection that remembers what was sent over it. Never what the secrets were."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.outcome = Outcome.NONE
        self.secret_sent = False
        self.hear: Callable[[int], None] | None = None  # told of each instruction that is sent

    def begin_step(self) -> None:
        """From here on, ``outcome`` tells of the new step only."""
        self.outcome = Outcome.NONE

    def transmit(self, command: Command) -> Response:
        """Send a command. While its answer is out, the card may have done what it says."""
        if self.hear is not None:
            self.hear(command.ins)
        before = self.outcome
        asks = command.ins in ONLY_ASK or (command.ins == INS_VERIFY and not command.data)
        if not asks:
            self.outcome = Outcome.UNKNOWN
        if _holds_secret(command):
            self.secret_sent = True
        response = self._connection.transmit(command)
        changed = command.ins in CHANGE_EVEN_WHEN_REFUSED or (
            command.ins in CHANGE_WHEN_DONE and response.ok
        )
        if not changed:
            self.outcome = before
        return response


def _holds_secret(command: Command) -> bool:
    if command.ins == INS_GENERAL_AUTHENTICATE:
        return command.p2 == MANAGEMENT_KEY
    return command.ins in WITH_SECRET and bool(command.data)
