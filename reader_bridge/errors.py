"""What can go wrong, and the one table that turns it into codes with facts.

An error that is not in the table is ``failed``: never a stack trace, never a text of its own.
"""

from collections.abc import Callable
from typing import Any

from reader_bridge.contract import Code, Command, Outcome, PasscodeRefusal
from reader_bridge.encoding import NotBase64Url
from reader_bridge.passcode import MalformedRule
from reader_bridge.piv import errors as piv
from reader_bridge.readers import protocol as readers
from reader_bridge.tickets import TicketRefused

Facts = dict[str, Any]


class BridgeError(Exception):
    """Base of what the bridge itself refuses. Never raised itself."""


class OutOfTurn(BridgeError):
    """Something was asked that does not fit what is going on."""


class UnknownRequest(BridgeError):
    """A request, or a parameter of a command, that this bridge does not know."""


class CardChanged(BridgeError):
    """Another card is in the reader, or the same one was put in again."""


class SealBroken(BridgeError):
    """A sealed value was not sealed for this connection, or is not what it should be."""


class PasscodeNeeded(BridgeError):
    """The work needs a passcode; none was sent, and none is held."""


class PasscodeRefused(BridgeError):
    """The new passcode breaks a rule."""

    def __init__(self, rule: PasscodeRefusal) -> None:
        super().__init__(str(rule))
        self.rule = rule


class WrongPasscode(BridgeError):
    """The card did not take the passcode. ``left`` is None where the card keeps it to itself."""

    def __init__(self, left: int | None) -> None:
        super().__init__("wrong passcode")
        self.left = left


class PukRefused(BridgeError):
    """The card did not take a PUK.

    ``refused`` are the places, in the list that was sent, of those the card said no to.
    """

    def __init__(self, left: int | None, refused: list[int]) -> None:
        super().__init__("the card refused the PUK")
        self.left = left
        self.refused = refused


class WorkFailed(BridgeError):
    """One command of a step failed; its cause says why. ``facts`` are added to the cause's."""

    def __init__(self, command: Command, facts: Facts | None = None) -> None:
        super().__init__(str(command))
        self.command = command
        self.facts = facts or {}


def _none(error: Any) -> Facts:
    return {}


CODES: dict[type[Exception], tuple[Code, Callable[[Any], Facts]]] = {
    readers.NoService: (Code.NO_SERVICE, _none),
    readers.NoReader: (Code.NO_READER, _none),
    readers.NoCard: (Code.NO_CARD, _none),
    readers.CardBusy: (Code.CARD_BUSY, _none),
    piv.NotAPivCard: (Code.NOT_A_PIV_CARD, _none),
    piv.WrongPin: (Code.WRONG_PASSCODE, lambda error: {"left": error.attempts_remaining}),
    piv.PinBlocked: (Code.PASSCODE_LOCKED, _none),
    piv.PinRefused: (Code.PASSCODE_REFUSED, lambda _: {"rule": PasscodeRefusal.CARD}),
    CardChanged: (Code.CARD_CHANGED, _none),
    WrongPasscode: (Code.WRONG_PASSCODE, lambda error: {"left": error.left}),
    PasscodeNeeded: (Code.PASSCODE_NEEDED, _none),
    PasscodeRefused: (Code.PASSCODE_REFUSED, lambda error: {"rule": error.rule}),
    PukRefused: (
        Code.PUK_REFUSED,
        lambda error: {"left": error.left, "refused": error.refused},
    ),
    TicketRefused: (Code.TICKET_INVALID, _none),  # carries its own code
    OutOfTurn: (Code.OUT_OF_TURN, _none),
    UnknownRequest: (Code.UNSUPPORTED, _none),
    SealBroken: (Code.TICKET_INVALID, _none),
    MalformedRule: (Code.TICKET_INVALID, _none),
    NotBase64Url: (Code.TICKET_INVALID, _none),
}

# What a card did not do, or did otherwise than the standard says; and what was never answered.
CARD_SAID_NO = (
    piv.UnexpectedStatus,
    piv.MalformedAnswer,
    piv.WrongManagementKey,
    piv.WrittenDiffers,
    piv.TooLarge,
)


def describe(error: BaseException, outcome: Outcome = Outcome.NONE) -> Facts:
    """Return ``{"code": ..., **facts}`` for an error.

    Args:
        outcome: whether the card may have done something that was not answered for.
    """
    command: Command | None = None
    facts: Facts = {}
    while isinstance(error, WorkFailed):
        command = command or error.command
        facts = {**error.facts, **facts}
        if error.__cause__ is None:
            break
        error = error.__cause__
    return {**_code_and_facts(error, command, outcome), **facts}


def _code_and_facts(error: BaseException, command: Command | None, outcome: Outcome) -> Facts:
    if isinstance(error, TicketRefused):
        return {"code": error.code}
    for kind, (code, facts) in CODES.items():
        if isinstance(error, kind):
            return {"code": code, **facts(error)}
    if isinstance(error, piv.CardRemoved):
        return {"code": Code.CARD_REMOVED, "outcome": outcome}
    if isinstance(error, CARD_SAID_NO):
        said: Facts = {"code": Code.CARD_REFUSED, "command": command, "outcome": outcome}
        if isinstance(error, piv.UnexpectedStatus | piv.WrongManagementKey):
            said["sw"] = f"{error.sw:04x}"
        return said
    return {"code": Code.FAILED, "outcome": outcome}
