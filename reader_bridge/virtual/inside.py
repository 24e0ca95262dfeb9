"""What the parts of the virtual card's application share: the card, the command, the refusal."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reader_bridge.virtual.behaviour import Behaviour
from reader_bridge.virtual.state import CardState

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# Status words ([iso] = ISO/IEC 7816-4, 5.6)
SW_OK = 0x9000
SW_WRONG_LENGTH = 0x6700
SW_NOT_AUTHENTICATED = 0x6982
SW_CONDITIONS = 0x6985
SW_WRONG_DATA = 0x6A80
SW_NOT_FOUND = 0x6A82
SW_NO_SPACE = 0x6A84
SW_WRONG_PARAMETERS = 0x6A86
SW_NO_SUCH_REFERENCE = 0x6A88
SW_UNKNOWN_INSTRUCTION = 0x6D00
SW_FAILED = 0x6F00


class Refused(Exception):
    """The application's answer is this status word and no data."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


@dataclass(frozen=True, repr=False)
class Received:
    """A whole command, its chain put together."""

    ins: int
    p1: int
    p2: int
    data: bytes


@dataclass
class Powered:
    """What the card knows only while it has power."""

    selected: bool = False
    passcode_verified: bool = False
    passcode_just_verified: bool = False  # for 9C, which wants it before each signature
    management_authenticated: bool = False
    witness: bytes | None = field(default=None, repr=False)
    challenge: bytes | None = field(default=None, repr=False)

    def forget_passcode(self) -> None:
        self.passcode_verified = self.passcode_just_verified = False

    def remember_passcode(self) -> None:
        self.passcode_verified = self.passcode_just_verified = True

    def forget_management(self) -> None:
        self.management_authenticated = False
        self.witness = self.challenge = None


@dataclass
class Inside:
    """One card at work."""

    state: CardState
    behaviour: Behaviour
    powered: Powered
    sleep: Callable[[float], None]
    make_key: Callable[[int], PrivateKey]  # of an algorithm's number

    def demand_management(self) -> None:
        if not self.powered.management_authenticated:
            raise Refused(SW_NOT_AUTHENTICATED)

    def take_time(self, seconds: float) -> None:
        """Be as slow as a chip: nothing happens where the setting is 0."""
        if seconds:
            self.sleep(seconds)
