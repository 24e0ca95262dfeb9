import gzip
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reader_bridge.piv import objects, tlv
from reader_bridge.piv.errors import (
    MalformedAnswer,
    NotAuthenticated,
    UnexpectedStatus,
    WrittenDiffers,
)
from reader_bridge.piv.objects import Chuid
from tests.piv.scripted import ScriptedCard

GET_CHUID = "00 cb 3f ff 05 5c03 5fc102 00"
PUT_CHUID = "00 db 3f ff 09 5c03 5fc102 5302 aabb"
DELETE_CHUID = "00 db 3f ff 07 5c03 5fc102 5300"


def test_an_object_is_what_its_container_holds():
    with ScriptedCard((GET_CHUID, "5302 aabb 9000")) as card:
        assert objects.read(card, objects.CHUID) == b"\xaa\xbb"


@pytest.mark.parametrize("answer", ["6a82", "6a88", "5300 9000"])
def test_an_object_that_was_never_there_or_was_deleted_is_none(answer):
    with ScriptedCard((GET_CHUID, answer)) as card:
        assert objects.read(card, objects.CHUID) is None


def test_the_discovery_object_is_its_own_container():
    with ScriptedCard(("00 cb 3f ff 03 5c01 7e 00", "7e02 4f00 9000")) as card:
        assert objects.read(card, objects.DISCOVERY) == b"\x4f\x00"


@pytest.mark.parametrize(("sw", "error"), [("6982", NotAuthenticated), ("6a80", UnexpectedStatus)])
def test_a_refusal_to_read_is_not_an_absence(sw, error):
    with ScriptedCard((GET_CHUID, sw)) as card, pytest.raises(error):
        objects.read(card, objects.CHUID)


def test_what_is_written_is_read_back():
    with ScriptedCard((PUT_CHUID, "9000"), (GET_CHUID, "5302 aabb 9000")) as card:
        objects.write(card, objects.CHUID, b"\xaa\xbb")


@pytest.mark.parametrize("read_back", ["5301 aa 9000", "5302 aabc 9000", "6a82", "5302 aa 9000"])
def test_what_the_card_holds_instead_of_what_was_written_is_an_error(read_back):
    script = ScriptedCard((PUT_CHUID, "9000"), (GET_CHUID, read_back))
    with script as card, pytest.raises(WrittenDiffers) as error:
        objects.write(card, objects.CHUID, b"\xaa\xbb")
    assert error.value.tag == objects.CHUID


def test_a_refused_write_is_not_read_back():
    with ScriptedCard((PUT_CHUID, "6982")) as card, pytest.raises(NotAuthenticated):
        objects.write(card, objects.CHUID, b"\xaa\xbb")


@pytest.mark.parametrize("read_back", ["6a82", "5300 9000"])
@pytest.mark.parametrize("sw", ["9000", "6a82"])
def test_a_deleted_object_may_be_absent_or_empty(sw, read_back):
    with ScriptedCard((DELETE_CHUID, sw), (GET_CHUID, read_back)) as card:
        objects.write(card, objects.CHUID, b"")


@given(some.binary(min_size=16, max_size=16), some.dates(min_value=date(1000, 1, 1)))
def test_a_chuid_keeps_its_guid_and_its_date(guid, expires):
    chuid = Chuid.decode(Chuid(guid, expires).encode())
    assert (chuid.guid, chuid.expires) == (guid, expires)


def test_a_chuid_of_other_software_needs_a_guid_and_nothing_else():
    assert Chuid.decode(tlv.encode(0x34, bytes(range(16)))).guid == bytes(range(16))
    odd = tlv.encode(0x35, b"never") + tlv.encode(0xEE, b"") + tlv.encode(0x34, bytes(16))
    assert Chuid.decode(odd).expires is None


@pytest.mark.parametrize("content", ["3400", "3401aa", "3002aabb", "34"])
def test_a_chuid_without_a_guid_is_malformed(content):
    with pytest.raises(MalformedAnswer):
        Chuid.decode(bytes.fromhex(content))


def test_every_slot_has_a_certificate_object_of_its_own():
    tags = objects.CERTIFICATES
    assert (tags["9a"], tags["9c"], tags["9d"], tags["9e"]) == (
        0x5FC105,
        0x5FC10A,
        0x5FC10B,
        0x5FC101,
    )
    assert (tags["82"], tags["95"]) == (0x5FC10D, 0x5FC120)
    assert len(set(tags.values())) == 24


@given(some.binary(max_size=600))
def test_a_certificate_object_gives_back_its_certificate(der):
    assert objects.decode_certificate(objects.encode_certificate(der)) == der


def test_a_compressed_certificate_is_expanded():
    der = bytes(3000)
    content = tlv.encode(0x70, gzip.compress(der)) + bytes.fromhex("710101fe00")
    assert objects.decode_certificate(content) == der


@pytest.mark.parametrize(
    "compressed",
    [
        gzip.compress(bytes(objects.LARGEST_CERTIFICATE + 1)),
        gzip.compress(bytes(100))[:-9],
        b"neither",
    ],
    ids=["a bomb", "cut short", "not compressed"],
)
def test_a_compressed_certificate_that_is_not_one_is_malformed(compressed):
    content = tlv.encode(0x70, compressed) + bytes.fromhex("710101fe00")
    with pytest.raises(MalformedAnswer):
        objects.decode_certificate(content)


def test_half_a_certificate_object_is_malformed():
    whole = objects.encode_certificate(bytes(300))
    with pytest.raises(MalformedAnswer):
        objects.decode_certificate(whole[:200])
