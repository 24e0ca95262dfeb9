"""What can go wrong with a card. Errors carry facts; the bridge turns them into codes once."""


class CardError(Exception):
    """Base of everything this package raises. Never raised itself."""


class CardRemoved(CardError):
    """No answer: the card or its reader is gone.

    ``instruction`` is the INS byte that went unanswered, or None when none was sent.
    """

    def __init__(self, instruction: int | None = None) -> None:
        super().__init__("the card did not answer")
        self.instruction = instruction


class NotAPivCard(CardError):
    """The card has no PIV application (it refused SELECT)."""

    def __init__(self, sw: int | None = None) -> None:
        super().__init__("no PIV application on this card")
        self.sw = sw


class MalformedAnswer(CardError):
    """The card's answer is not the structure that the standard describes."""

    def __init__(self, what: str) -> None:
        super().__init__(f"malformed answer: {what}")
        self.what = what


class UnexpectedStatus(CardError):
    """The card refused with a status word that has no more particular meaning."""

    def __init__(self, sw: int, instruction: int) -> None:
        super().__init__(f"instruction {instruction:02X} answered {sw:04X}")
        self.sw = sw
        self.instruction = instruction


class NotAuthenticated(UnexpectedStatus):
    """The card wants the passcode or the management key first (6982)."""


class Unsupported(UnexpectedStatus):
    """The card does not know the instruction, the algorithm or the slot."""


class WrongPin(CardError):
    """The passcode or PUK did not match, and the card has counted the attempt."""

    def __init__(self, attempts_remaining: int) -> None:
        super().__init__(f"did not match; {attempts_remaining} attempts remain")
        self.attempts_remaining = attempts_remaining


class PinBlocked(CardError):
    """No attempts remain for the passcode or PUK that was used."""

    def __init__(self) -> None:
        super().__init__("no attempts remain")


class PinRefused(CardError):
    """The passcode or PUK does not fit the card's own rule; no comparison was made of it."""

    def __init__(self, sw: int | None = None) -> None:
        super().__init__("does not fit the card's rule")
        self.sw = sw


class WrongManagementKey(CardError):
    """The answer to the card's witness was not right."""

    def __init__(self, sw: int) -> None:
        super().__init__("the management key did not match")
        self.sw = sw


class WrittenDiffers(CardError):
    """An object read back is not what was written."""

    def __init__(self, tag: int) -> None:
        super().__init__(f"object {tag:X} is not what was written")
        self.tag = tag


class TooLarge(CardError):
    """An object is larger than this make of card can hold. Nothing was sent."""

    def __init__(self, size: int, largest: int) -> None:
        super().__init__(f"{size} bytes; this card holds {largest}")
        self.size = size
        self.largest = largest


SW_NOT_AUTHENTICATED = 0x6982
# Function not supported, wrong P1-P2, unknown instruction, unknown class ([iso] 5.6, table 6).
SW_UNSUPPORTED = (0x6A81, 0x6A86, 0x6D00, 0x6E00)


def refusal(sw: int, instruction: int) -> UnexpectedStatus:
    """The error for a status word that the caller has no use for."""
    if sw == SW_NOT_AUTHENTICATED:
        return NotAuthenticated(sw, instruction)
    if sw in SW_UNSUPPORTED:
        return Unsupported(sw, instruction)
    return UnexpectedStatus(sw, instruction)
