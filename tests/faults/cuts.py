"""What can go wrong, and where: a cut is a place in an operation at which something ends."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from reader_bridge.contract import Code, Outcome
from tests.faults.pc import Chip, Message


class Kind(StrEnum):
    """What ends, at the Nth command, answer or commit."""

    CARD_BEFORE = "card pulled before a command"
    CARD_AFTER = "card pulled after a command"
    ANSWER_LOST = "answer lost, page gone"
    BRIDGE_GONE = "answer lost, page told that the bridge has gone"
    SERVER_BEFORE = "server stopped before a commit"
    SERVER_AFTER = "server stopped after a commit"

    @property
    def takes_effect(self) -> bool:
        return self in (Kind.CARD_AFTER, Kind.SERVER_AFTER)


CARD = (Kind.CARD_BEFORE, Kind.CARD_AFTER)
ANSWER = (Kind.ANSWER_LOST, Kind.BRIDGE_GONE)
SERVER = (Kind.SERVER_BEFORE, Kind.SERVER_AFTER)


@dataclass(frozen=True)
class Cut:
    """``at`` counts from 1."""

    kind: Kind
    at: int

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"


class Lost(Exception):
    """The page has no answer: it, or what it talked to, is gone."""


class ServerStopped(BaseException):
    """The server's process has ended: nothing in it handles this."""


@dataclass
class Cutter:
    """Counts what an operation does from now on, and makes one cut in it."""

    cut: Cut | None = None
    card: str | None = None
    answers: int = 0
    commits: int = 0
    fired: bool = False
    _held: Chip | None = field(default=None, repr=False)

    def hold(self, chip: Chip) -> None:
        """Have a card that was put in leave at its command, unless it did already."""
        if self.cut is not None and self.cut.kind in CARD and not self.fired:
            self._held = chip
            chip.tear_at(self.cut.at, takes_effect=self.cut.kind.takes_effect)

    def let_go(self) -> bool:
        """No cut from here on. Says whether it has been made."""
        if self._held is not None:
            self.fired = self.fired or not self._held.present
            self._held.stay()
        self.cut = None
        return self.fired

    def hear_commit(self, connection: Connection) -> None:
        """A commit is due.

        Raises:
            ServerStopped: at the one that was chosen.
        """
        self.commits += 1
        if self.cut is None or self.cut.kind not in SERVER or self.commits != self.cut.at:
            return
        self.fired = True
        if self.cut.kind.takes_effect:
            raw: Any = connection.connection.driver_connection
            raw.commit()
        raise ServerStopped

    def hear_answer(self, answer: Message) -> Message:
        """The bridge has answered; what comes of it at the page.

        Raises:
            Lost: nothing.
        """
        self.answers += 1
        if self.cut is None or self.cut.kind not in ANSWER or self.answers != self.cut.at:
            return answer
        self.fired = True
        if self.cut.kind is Kind.ANSWER_LOST:
            raise Lost
        gone = {"code": Code.FAILED, "outcome": Outcome.UNKNOWN, "reason": "bridge-gone"}
        return {"step": answer["step"], "error": gone}


def every_cut(commands: int, answers: int, commits: int) -> list[Cut]:
    """All cuts of an operation that sends and says so much when nothing goes wrong."""
    counts = {**dict.fromkeys(CARD, commands), **dict.fromkeys(ANSWER, answers)}
    counts |= dict.fromkeys(SERVER, commits)
    return [Cut(kind, at) for kind, count in counts.items() for at in range(1, count + 1)]
