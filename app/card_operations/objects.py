"""The data objects that the service writes to a card: its identifier and its capabilities.

SP 800-73-4 part 1: CHUID 3.1.2, Card Capability Container 3.1.1, tags in table 3.
"""

import secrets
from datetime import date
from uuid import UUID

CHUID = "5fc102"
CCC = "5fc107"

# A card outside the federal government has no number in the federal system: the value that
# SP 800-73-4 readers know as "none".
NO_FASC_N = bytes.fromhex("d4e739da739ced39ce739d836858210842108421c84210c3eb")


def chuid(guid: UUID, expires: date) -> bytes:
    """The Card Holder Unique Identifier, unsigned, without the surrounding 53."""
    return b"".join(
        (
            _tlv(0x30, NO_FASC_N),
            _tlv(0x34, guid.bytes),
            _tlv(0x35, expires.strftime("%Y%m%d").encode("ascii")),
            _tlv(0x3E),
            _tlv(0xFE),
        )
    )


def capabilities() -> bytes:
    """A Card Capability Container that names the PIV data model, without the surrounding 53."""
    identifier = bytes.fromhex("a000000116ff02") + secrets.token_bytes(14)
    empty = b"".join(_tlv(tag) for tag in (0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE))
    named = _tlv(0xF1, b"\x21") + _tlv(0xF2, b"\x21") + _tlv(0xF3) + _tlv(0xF4, b"\x00")
    return _tlv(0xF0, identifier) + named + _tlv(0xF5, b"\x10") + empty


def _tlv(tag: int, value: bytes = b"") -> bytes:
    return bytes((tag, len(value))) + value
