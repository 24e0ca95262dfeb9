"""Whose turn it is in a conversation with a card, and what a ticket may do then: a table."""

from enum import Enum, auto

from reader_bridge.errors import OutOfTurn
from reader_bridge.tickets import Ticket


class Turn(Enum):
    """Where a conversation stands."""

    FREE = auto()  # nothing is kept
    WORKING = auto()  # a step is going on
    HOLDING_PASSCODE = auto()  # the next step of the operation may use it; the card is free
    HOLDING_CARD = auto()  # an open card session: the transaction goes on
    STOPPED = auto()  # the card said no to a step; the passcodes are kept to begin it anew


class Asks(Enum):
    """What a ticket asks for, seen from what is kept."""

    TO_CONTINUE = auto()  # its operation's next step, which needs what is kept
    AGAIN = auto()  # a step of the same operation, begun anew
    PRESENCE = auto()  # a proof of presence by another operation
    SOMETHING_ELSE = auto()


class Move(Enum):
    """How a step is done."""

    BEGIN = auto()  # forget what is kept; a transaction of its own
    WITH_PASSCODE = auto()  # a transaction of its own, with the passcode that is kept
    BESIDE = auto()  # a transaction of its own, and what is kept stays for the other operation
    GO_ON = auto()  # in the open transaction, without another SELECT


# The whole policy. A pair that is not in it is out of turn.
MOVES: dict[tuple[Turn, Asks], Move] = {
    (Turn.FREE, Asks.PRESENCE): Move.BEGIN,
    (Turn.FREE, Asks.SOMETHING_ELSE): Move.BEGIN,
    (Turn.HOLDING_PASSCODE, Asks.TO_CONTINUE): Move.WITH_PASSCODE,
    (Turn.HOLDING_PASSCODE, Asks.AGAIN): Move.WITH_PASSCODE,
    (Turn.HOLDING_PASSCODE, Asks.PRESENCE): Move.BESIDE,
    (Turn.HOLDING_PASSCODE, Asks.SOMETHING_ELSE): Move.BEGIN,
    (Turn.HOLDING_CARD, Asks.TO_CONTINUE): Move.GO_ON,
    (Turn.HOLDING_CARD, Asks.AGAIN): Move.WITH_PASSCODE,
    (Turn.STOPPED, Asks.AGAIN): Move.WITH_PASSCODE,
    (Turn.STOPPED, Asks.PRESENCE): Move.BESIDE,
    (Turn.STOPPED, Asks.SOMETHING_ELSE): Move.BEGIN,
}

MAY_READ = frozenset({Turn.FREE, Turn.HOLDING_PASSCODE, Turn.STOPPED})


def move(turn: Turn, op: str | None, ticket: Ticket) -> Move:
    """Say how the step of a ticket is to be done.

    Args:
        op: the operation for which something is kept.

    Raises:
        OutOfTurn: it does not fit.
    """
    same = ticket.op == op
    if ticket.continues and not same:
        raise OutOfTurn
    if same:
        asks = Asks.TO_CONTINUE if ticket.continues else Asks.AGAIN
    else:
        asks = Asks.PRESENCE if ticket.only_proves_presence else Asks.SOMETHING_ELSE
    try:
        return MOVES[turn, asks]
    except KeyError:
        raise OutOfTurn from None
