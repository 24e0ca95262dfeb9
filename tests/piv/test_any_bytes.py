"""Whatever a card sends, reading it ends with a value or with MalformedAnswer, and nothing else."""

import gzip
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reader_bridge.piv import keys, objects, profiles, tlv
from reader_bridge.piv.apdu import SHORT_DATA, CardConnection, Command, Response
from reader_bridge.piv.errors import CardError, CardRemoved, MalformedAnswer
from reader_bridge.piv.objects import Chuid

TAGS = st.sampled_from([0x01, 0x53, 0x70, 0x71, 0x7C, 0x7E, 0xFE, 0x5F2F, 0x7F49, 0x5FC102])
ITEMS = st.lists(st.tuples(TAGS, st.binary(max_size=300)), max_size=5)


def packed(items: list[tuple[int, bytes]]) -> bytes:
    return b"".join(tlv.encode(tag, value) for tag, value in items)


# Bytes that look like TLV more often than chance allows: encoded, then cut or changed.
ALMOST = st.builds(
    lambda items, cut, more: packed(items)[: -cut or None] + more,
    ITEMS,
    st.integers(0, 4),
    st.binary(max_size=3),
)
ANY = st.one_of(st.binary(max_size=600), ALMOST)


@given(ITEMS)
def test_what_is_encoded_is_decoded_to_the_same(items: list[tuple[int, bytes]]) -> None:
    assert tlv.decode(packed(items)) == items


@given(ANY)
def test_any_bytes_are_items_or_malformed(data: bytes) -> None:
    try:
        items = tlv.decode(data)
    except MalformedAnswer:
        return
    assert sum(len(value) for _, value in items) <= len(data)


@given(st.binary(min_size=16, max_size=16), st.dates(date(1000, 1, 1)), st.binary(max_size=40))
def test_a_chuid_is_read_as_it_was_written(guid: bytes, expires: date, fasc_n: bytes) -> None:
    chuid = Chuid(guid, expires, fasc_n)
    assert Chuid.decode(chuid.encode()) == chuid


@given(ANY)
@example(tlv.encode(0x34, bytes(16)) + tlv.encode(0x35, b"\xff" * 8))
@example(tlv.encode(0x34, bytes(16)) + tlv.encode(0x35, "²²²²²²²²".encode()))
def test_any_chuid_is_read_or_malformed(content: bytes) -> None:
    with suppress(MalformedAnswer):
        assert len(Chuid.decode(content).guid) == 16


@given(st.binary(max_size=3000), st.booleans())
def test_a_certificate_object_is_read_as_it_was_written(der: bytes, compressed: bool) -> None:
    if not compressed:
        assert objects.decode_certificate(objects.encode_certificate(der)) == der
        return
    content = tlv.encode(0x70, gzip.compress(der)) + tlv.encode(0x71, b"\x01")
    assert objects.decode_certificate(content) == der


@given(st.binary(max_size=200), st.binary(max_size=2), st.binary(max_size=20))
@example(gzip.compress(bytes(10_000_000)), b"\x01", b"")
def test_any_certificate_object_is_read_or_malformed(
    certificate: bytes, how: bytes, more: bytes
) -> None:
    content = tlv.encode(0x70, certificate) + tlv.encode(0x71, how) + more
    with suppress(MalformedAnswer):
        assert len(objects.decode_certificate(content)) <= objects.LARGEST_CERTIFICATE


class Answers:
    """A card that answers what it likes, and then not at all."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = list(answers)
        self.sent: list[bytes] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu)
        return self._answers.pop(0) if self._answers else b""


BODY = st.one_of(ANY, ITEMS.map(packed))
STATUS = st.sampled_from(
    [0x9000, 0x6100, 0x6110, 0x6C04, 0x6982, 0x6A80, 0x6A82, 0x6A88, 0x63C2, 0x63C0, 0x6D00, 0x6F00]
)
REPLIES = st.lists(
    st.one_of(
        st.binary(max_size=4),
        st.builds(lambda body, sw: body + sw.to_bytes(2, "big"), BODY, STATUS),
    ),
    max_size=6,
)


@given(st.binary(max_size=2000), st.booleans(), st.booleans())
def test_a_command_of_any_length_arrives_whole(data: bytes, extended: bool, answers: bool) -> None:
    """Put together again as a card does it ([iso] 5.2 and 5.4.1)."""
    frames = list(Command(0xDB, data=data, answers=answers).frames(extended=extended))
    if extended and len(data) > SHORT_DATA:
        (frame,) = frames
        assert frame[7 : 7 + int.from_bytes(frame[5:7], "big")] == data
        return
    assert all(frame[0] == 0x10 for frame in frames[:-1])
    assert frames[-1][0] == 0
    assert b"".join(frame[5 : 5 + frame[4]] if len(frame) > 5 else b"" for frame in frames) == data


@given(REPLIES)
def test_any_answers_end_as_a_response_or_a_card_error(replies: list[bytes]) -> None:
    connection = CardConnection(Answers(replies))
    try:
        response = connection.transmit(Command(0xCB, 0x3F, 0xFF, b"\x5c\x01\x7e", answers=True))
    except (CardRemoved, MalformedAnswer):
        return
    assert isinstance(response, Response)


READS = {
    "chuid": lambda c: objects.read(c, objects.CHUID),
    "discovery": lambda c: objects.read(c, objects.DISCOVERY),
    "sign EC": lambda c: keys.sign(c, "9a", "ES256", b"message"),
    "sign RSA": lambda c: keys.sign(c, "9a", "RS256", b"message"),
    "generate EC": lambda c: keys.generate(c, "9a", "ES256"),
    "generate RSA": lambda c: keys.generate(c, "9a", "RS256"),
    "attest": lambda c: keys.attest(c, "9a"),
    "algorithms": lambda c: keys.algorithms_in(c, "9a"),
}


@pytest.mark.parametrize("what", READS)
@given(REPLIES)
def test_a_card_that_answers_anything_raises_card_errors_only(
    what: str, replies: list[bytes]
) -> None:
    with suppress(CardError):
        READS[what](CardConnection(Answers(replies)))


@given(st.binary(max_size=40), st.binary(max_size=100))
def test_any_card_has_a_profile(atr: bytes, selected: bytes) -> None:
    assert profiles.recognise(atr, selected).title
