"""The data objects of a PIV card: their tags, their contents, reading and writing them.

[piv1] = NIST SP 800-73-4 part 1, [piv2] = part 2.
"""

import secrets
import zlib
from dataclasses import dataclass, field
from datetime import date

from reader_bridge.piv import tlv
from reader_bridge.piv.apdu import Command, Connection
from reader_bridge.piv.errors import MalformedAnswer, WrittenDiffers, refusal

INS_GET_DATA = 0xCB  # [piv2] 3.1.2
INS_PUT_DATA = 0xDB  # [piv2] 3.3.2

# [piv1] table 3
CHUID = 0x5FC102
CCC = 0x5FC107
DISCOVERY = 0x7E
KEY_HISTORY = 0x5FC10C
SECURITY = 0x5FC106
PRINTED_INFORMATION = 0x5FC109
FINGERPRINTS = 0x5FC103
FACIAL_IMAGE = 0x5FC108
IRIS_IMAGES = 0x5FC121

RETIRED_SLOTS = tuple(f"{slot:02x}" for slot in range(0x82, 0x96))
CERTIFICATES = {
    "9a": 0x5FC105,
    "9c": 0x5FC10A,
    "9d": 0x5FC10B,
    "9e": 0x5FC101,
    **{slot: 0x5FC10D + index for index, slot in enumerate(RETIRED_SLOTS)},
}
# What may say something of the holder, apart from certificates. The CHUID is not among them: it
# names the card.
ABOUT_THE_HOLDER = (PRINTED_INFORMATION, FINGERPRINTS, FACIAL_IMAGE, IRIS_IMAGES, SECURITY)

TAG_LIST = 0x5C
TAG_CONTENT = 0x53
TAG_CERTIFICATE = 0x70
TAG_CERTIFICATE_INFO = 0x71
TAG_ERROR_DETECTION = 0xFE
COMPRESSED = 0x01  # bit of the certificate info: the certificate is gzip-compressed
LARGEST_CERTIFICATE = 16 * 1024  # bytes, decompressed

SW_NOT_FOUND = (0x6A82, 0x6A88)


def read(connection: Connection, tag: int) -> bytes | None:
    """Return an object's content, or None when the card has none.

    A deleted object counts as none, whether the card says 6A82 or answers an empty 53.

    Raises:
        NotAuthenticated: the object wants the passcode first.
        UnexpectedStatus: the card refused for another reason.
        MalformedAnswer: the answer is not one object.
    """
    data = tlv.encode(TAG_LIST, tlv.encode_tag(tag))
    response = connection.transmit(Command(INS_GET_DATA, 0x3F, 0xFF, data, answers=True))
    if response.sw in SW_NOT_FOUND:
        return None
    if not response.ok:
        raise refusal(response.sw, INS_GET_DATA)
    # The discovery object is its own container.
    content = tlv.only(response.data, DISCOVERY if tag == DISCOVERY else TAG_CONTENT)
    return content or None


def put(connection: Connection, tag: int, content: bytes) -> None:
    """Write an object and believe the card. Empty content deletes it, as far as the card can.

    Raises:
        NotAuthenticated: without the management key.
        UnexpectedStatus: the card refused for another reason.
    """
    data = tlv.encode(TAG_LIST, tlv.encode_tag(tag)) + tlv.encode(TAG_CONTENT, content)
    response = connection.transmit(Command(INS_PUT_DATA, 0x3F, 0xFF, data))
    if response.sw in SW_NOT_FOUND and not content:
        return
    if not response.ok:
        raise refusal(response.sw, INS_PUT_DATA)


def write(connection: Connection, tag: int, content: bytes) -> None:
    """Write an object, read it back and compare: a card may keep part of an interrupted write.

    Raises:
        NotAuthenticated: without the management key.
        WrittenDiffers: what the card now holds is something else.
        UnexpectedStatus: the card refused for another reason.
    """
    put(connection, tag, content)
    try:
        written = read(connection, tag)
    except MalformedAnswer as error:
        raise WrittenDiffers(tag) from error
    if written != (content or None):
        raise WrittenDiffers(tag)


@dataclass(frozen=True)
class Chuid:
    """Card Holder Unique Identifier ([piv1] 3.1.2): ``guid`` is the card's 16-byte identifier."""

    guid: bytes
    expires: date | None = None
    fasc_n: bytes = field(default=bytes(25), repr=False)

    def encode(self) -> bytes:
        expires = self.expires.strftime("%Y%m%d") if self.expires else "20991231"
        return b"".join(
            (
                tlv.encode(0x30, self.fasc_n),
                tlv.encode(0x34, self.guid),
                tlv.encode(0x35, expires.encode("ascii")),
                tlv.encode(0x3E),  # issuer's signature: we have no use for one
                tlv.encode(TAG_ERROR_DETECTION),
            )
        )

    @classmethod
    def decode(cls, content: bytes) -> "Chuid":
        """Read a CHUID that any software wrote.

        Raises:
            MalformedAnswer: there is no 16-byte GUID in it.
        """
        items = dict(reversed(tlv.decode(content)))
        guid = items.get(0x34, b"")
        if len(guid) != 16:
            raise MalformedAnswer("the GUID is not 16 bytes")
        return cls(guid, _date(items.get(0x35, b"")), items.get(0x30, b""))


def _date(text: bytes) -> date | None:
    """A date as YYYYMMDD; None for what other software leaves there instead."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def encode_capabilities(identifier: bytes | None = None) -> bytes:
    """A Card Capability Container ([piv1] 3.1.1) that names the PIV data model and nothing else."""
    return b"".join(
        (
            tlv.encode(
                0xF0, b"\xa0\x00\x00\x01\x16\xff\x02" + (identifier or secrets.token_bytes(14))
            ),
            tlv.encode(0xF1, b"\x21"),
            tlv.encode(0xF2, b"\x21"),
            tlv.encode(0xF3),
            tlv.encode(0xF4, b"\x00"),
            tlv.encode(0xF5, b"\x10"),  # data model: PIV
            *(tlv.encode(tag) for tag in (0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE)),
        )
    )


def encode_certificate(der: bytes) -> bytes:
    """A certificate object ([piv1] appendix A, table 10), not compressed."""
    return (
        tlv.encode(TAG_CERTIFICATE, der)
        + tlv.encode(TAG_CERTIFICATE_INFO, b"\x00")
        + tlv.encode(TAG_ERROR_DETECTION)
    )


def decode_certificate(content: bytes) -> bytes:
    """The DER certificate in a certificate object, decompressed where it is compressed.

    Raises:
        MalformedAnswer: there is none, or it is larger than any certificate.
    """
    certificate = tlv.need(content, TAG_CERTIFICATE)
    how = tlv.find(content, TAG_CERTIFICATE_INFO) or b"\x00"
    if not how[0] & COMPRESSED:
        return certificate
    expander = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    try:
        expanded = expander.decompress(certificate, LARGEST_CERTIFICATE)
    except zlib.error as error:
        raise MalformedAnswer("a compressed certificate") from error
    if not expander.eof:
        raise MalformedAnswer("a compressed certificate is too large or cut short")
    return expanded
