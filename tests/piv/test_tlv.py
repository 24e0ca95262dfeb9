import pytest
from hypothesis import given
from hypothesis import strategies as some

from reader_bridge.piv import tlv
from reader_bridge.piv.errors import MalformedAnswer

tags = some.sampled_from((0x53, 0x70, 0xFE, 0x7F49, 0x5F2F))


@given(some.lists(some.tuples(tags, some.binary(max_size=300)), max_size=4))
def test_what_is_encoded_is_decoded(items):
    assert tlv.decode(b"".join(tlv.encode(tag, value) for tag, value in items)) == items


@given(some.binary(max_size=40))
def test_any_bytes_are_items_or_malformed_and_nothing_else(data):
    try:
        items = tlv.decode(data)
    except MalformedAnswer:
        return
    assert sum(len(value) for _, value in items) <= len(data)


@pytest.mark.parametrize(
    ("size", "head"), [(0, "5300"), (127, "537f"), (128, "538180"), (256, "53820100")]
)
def test_a_length_takes_as_few_bytes_as_it_can(size, head):
    assert tlv.encode(0x53, bytes(size))[: len(head) // 2].hex() == head


@pytest.mark.parametrize(
    "data",
    [
        "53",  # no length
        "530201",  # cut short
        "5381",  # the length itself cut short
        "5380010000",  # indefinite
        "538400000001ff",  # longer than anything here
        "7f",  # half a tag
        "7fffffff0100",  # a tag without end
    ],
)
def test_what_is_not_whole_is_malformed(data):
    with pytest.raises(MalformedAnswer):
        tlv.decode(bytes.fromhex(data))


def test_a_single_item_leaves_nothing_over():
    assert tlv.only(bytes.fromhex("5301aa"), 0x53) == b"\xaa"
    with pytest.raises(MalformedAnswer):
        tlv.only(bytes.fromhex("5301aa5300"), 0x53)
    with pytest.raises(MalformedAnswer):
        tlv.only(bytes.fromhex("5301aa"), 0x7C)


def test_a_needed_item_that_is_missing_is_malformed():
    assert tlv.find(bytes.fromhex("5301aa"), 0x70) is None
    with pytest.raises(MalformedAnswer):
        tlv.need(bytes.fromhex("5301aa"), 0x70)
