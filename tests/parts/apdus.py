"""Commands for cards as a hostile program sends them: any bytes, and nearly right ones."""

from hypothesis import strategies as st

from reader_bridge.piv import objects, tlv
from reader_bridge.piv.card import INS_RESET, INS_SELECT, PIV_APPLICATION
from reader_bridge.virtual.applet import HANDLERS

INSTRUCTIONS = st.one_of(st.sampled_from([INS_SELECT, 0xC0, *HANDLERS]), st.integers(0, 255))
PARAMETERS = st.one_of(
    st.sampled_from([0x00, 0x03, 0x04, 0x07, 0x08, 0x0A, 0x0C, 0x11, 0x14, 0x3F, 0x80, 0x81]),
    st.sampled_from([0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x82, 0x95, 0xF9, 0xFE, 0xFF]),
    st.integers(0, 255),
)
TAGS = st.sampled_from(
    [0x01, 0x02, 0x03, 0x06, 0x53, 0x5C, 0x7C, 0x80, 0x81, 0x82, 0x85, 0xAA, 0xAB, 0xAC]
)
OBJECT_TAGS = st.sampled_from(
    [objects.CHUID, objects.CCC, objects.DISCOVERY, objects.PRINTED_INFORMATION, 0x5FFF01, 0]
)
VALUES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([bytes(8), bytes(16), b"\x07", b"\x11", b"\x14", b"\xff" * 256]),
    st.sampled_from([b"654321\xff\xff", bytes(128), b"\xff" * 128, b"\x04" + bytes(64)]),
)
ITEMS = st.lists(st.tuples(TAGS, VALUES), max_size=4).map(
    lambda items: b"".join(tlv.encode(tag, value) for tag, value in items)
)
OBJECTS = st.builds(
    lambda tag, content: tlv.encode(0x5C, tlv.encode_tag(tag)) + tlv.encode(0x53, content),
    OBJECT_TAGS,
    st.binary(max_size=600),
)
DATA = st.one_of(
    st.binary(max_size=300),
    ITEMS,
    ITEMS.map(lambda items: tlv.encode(0x7C, items)),
    ITEMS.map(lambda items: tlv.encode(0xAC, items)),
    OBJECTS,
    OBJECT_TAGS.map(lambda tag: tlv.encode(0x5C, tlv.encode_tag(tag))),
    st.builds(lambda one, other: one + other, VALUES, VALUES),
    st.just(PIV_APPLICATION),
)
LENGTHS = st.one_of(st.none(), st.integers(0, 255))


def _apdu(cla: int, ins: int, p1: int, p2: int, data: bytes, lc: int | None, le: bytes) -> bytes:
    """An APDU; ``lc`` says another length than the data has."""
    head = bytes((cla, ins, p1, p2))
    if not data:
        return head + le
    length = len(data) if lc is None else lc
    if length > 255:
        return head + b"\x00" + length.to_bytes(2, "big") + data + le
    return head + bytes((length,)) + data + le


CLASSES = st.one_of(st.sampled_from([0x00, 0x00, 0x00, 0x10]), st.integers(0, 255))
ENDS = st.sampled_from([b"", b"\x00", b"\x10", b"\x00\x00"])
NEARLY = st.builds(_apdu, CLASSES, INSTRUCTIONS, PARAMETERS, PARAMETERS, DATA, LENGTHS, ENDS)
WELL_FORMED = st.builds(
    _apdu,
    st.just(0),
    INSTRUCTIONS.filter(lambda ins: ins != INS_RESET),
    PARAMETERS,
    PARAMETERS,
    DATA,
    st.none(),
    st.just(b""),
)
APDUS = st.one_of(st.binary(max_size=280), NEARLY, WELL_FORMED)
