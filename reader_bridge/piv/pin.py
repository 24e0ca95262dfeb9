"""The passcode (PIN, reference 80) and the PUK (81): proving, changing, counting tries.

[piv2] = NIST SP 800-73-4 part 2. A card's own policy is not to be trusted (one accepts an empty
passcode): whoever calls this has checked a new passcode against the rule of the profile.
"""

from enum import IntEnum

from reader_bridge.piv import tlv
from reader_bridge.piv.apdu import Command, Connection
from reader_bridge.piv.errors import (
    MalformedAnswer,
    PinBlocked,
    PinRefused,
    WrongPin,
    refusal,
)

INS_VERIFY = 0x20  # [piv2] 3.2.1
INS_CHANGE_REFERENCE_DATA = 0x24  # [piv2] 3.2.2
INS_RESET_RETRY_COUNTER = 0x2C  # [piv2] 3.2.3
INS_SET_RETRIES = 0xFA  # not in the standard: several makes follow Yubico's numbering
INS_METADATA = 0xF7  # likewise

PIN_LENGTH = 8

SW_OK = 0x9000
SW_BLOCKED = 0x6983
SW_NONE_LEFT = 0x63C0  # 63Cx: did not match; x is the attempts left
# The value itself is refused: wrong data, wrong length, conditions not satisfied.
SW_REFUSED = (0x6A80, 0x6700, 0x6985)

METADATA_TRIES = 0x06  # two bytes: in all, left


class Reference(IntEnum):
    """Key references of the two secrets that are typed ([piv2] table 6)."""

    PASSCODE = 0x80
    PUK = 0x81


def verify(connection: Connection, passcode: str) -> None:
    """Prove the passcode to the card.

    Raises:
        WrongPin: it did not match; carries the attempts that remain.
        PinBlocked: no attempts remain.
        PinRefused: it cannot be anybody's passcode on this card.
        UnexpectedStatus: the card refused for another reason.
    """
    command = Command(INS_VERIFY, p2=Reference.PASSCODE, data=_pad(passcode))
    _expect_match(connection.transmit(command).sw, INS_VERIFY)


def tries_left(connection: Connection) -> int | None:
    """Return the passcode's remaining attempts without using one; None when the card won't say.

    A card that has the passcode verified already answers 9000 to this question.
    """
    sw = connection.transmit(Command(INS_VERIFY, p2=Reference.PASSCODE)).sw
    if sw == SW_BLOCKED:
        return 0
    if sw & 0xFFF0 == SW_NONE_LEFT:
        return sw & 0x000F
    return tries_left_by_metadata(connection, Reference.PASSCODE)


def tries_left_by_metadata(connection: Connection, reference: Reference) -> int | None:
    """Return the remaining attempts as the card's metadata has them; None where there is none.

    The PUK's attempts can be read in no other way.
    """
    response = connection.transmit(Command(INS_METADATA, p2=reference, answers=True))
    if not response.ok:
        return None
    try:
        tries = tlv.find(response.data, METADATA_TRIES)
    except MalformedAnswer:
        return None
    return tries[1] if tries and len(tries) == 2 else None


def change(connection: Connection, reference: Reference, old: str, new: str) -> None:
    """Replace the passcode or the PUK, proving knowledge of the old one.

    Raises:
        WrongPin: the old one did not match; carries the attempts that remain.
        PinBlocked: no attempts remain.
        PinRefused: the new one does not fit the card's rule.
        UnexpectedStatus: the card refused for another reason.
    """
    command = Command(INS_CHANGE_REFERENCE_DATA, p2=reference, data=_pad(old) + _pad(new))
    _expect_match(connection.transmit(command).sw, INS_CHANGE_REFERENCE_DATA)


def reset_retry_counter(connection: Connection, puk: str, new_passcode: str) -> None:
    """Set a new passcode and give back all its attempts, proving knowledge of the PUK.

    Raises:
        WrongPin: the PUK did not match; carries the PUK attempts that remain.
        PinBlocked: the PUK is blocked too, and the card cannot be unblocked.
        PinRefused: the new passcode does not fit the card's rule.
        UnexpectedStatus: the card refused for another reason.
    """
    data = _pad(puk) + _pad(new_passcode)
    command = Command(INS_RESET_RETRY_COUNTER, p2=Reference.PASSCODE, data=data)
    _expect_match(connection.transmit(command).sw, INS_RESET_RETRY_COUNTER)


def set_retry_counts(connection: Connection, passcode_tries: int, puk_tries: int) -> None:
    """Set how many attempts passcode and PUK have. Both go back to the factory's values.

    Wants a verified passcode as well as management authentication.

    Raises:
        Unsupported: this make of card cannot.
        NotAuthenticated: one of the two is missing.
        UnexpectedStatus: the card refused for another reason.
    """
    response = connection.transmit(Command(INS_SET_RETRIES, p1=passcode_tries, p2=puk_tries))
    if not response.ok:
        raise refusal(response.sw, INS_SET_RETRIES)


def _pad(secret: str) -> bytes:
    """Pad to 8 bytes with FF ([piv2] 2.4.3). An empty one would be a question, not a proof."""
    try:
        raw = secret.encode("ascii")
    except UnicodeEncodeError:
        raise PinRefused from None
    if not 1 <= len(raw) <= PIN_LENGTH:
        raise PinRefused
    return raw.ljust(PIN_LENGTH, b"\xff")


def _expect_match(sw: int, instruction: int) -> None:
    if sw == SW_OK:
        return
    if sw in (SW_BLOCKED, SW_NONE_LEFT):
        raise PinBlocked
    if sw & 0xFFF0 == SW_NONE_LEFT:
        raise WrongPin(attempts_remaining=sw & 0x000F)
    if sw in SW_REFUSED:
        raise PinRefused(sw)
    raise refusal(sw, instruction)
