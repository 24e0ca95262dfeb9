"""Who may come in: the policy as a function of values."""

from dataclasses import replace
from pathlib import Path

import pytest

from reader_bridge import door
from reader_bridge.door import Knock, Refusal

PORT = 27500
ORIGINS = ("https://identity.test", "http://127.0.0.1:5000")
GOOD = Knock(
    method="GET",
    path="/v1",
    hosts=["127.0.0.1:27500"],
    origins=["https://identity.test"],
    subprotocols=["reader-bridge.v1"],
    peer="127.0.0.1",
    same_user=True,
)


def refusal(**changes: object) -> Refusal | None:
    return door.refusal(replace(GOOD, **changes), port=PORT, origins=ORIGINS)


def test_a_page_of_the_service_may_come_in():
    assert refusal() is None


def test_each_configured_origin_may_come_in():
    assert refusal(origins=["http://127.0.0.1:5000"]) is None


def test_where_the_system_does_not_tell_the_user_the_rest_decides():
    assert refusal(same_user=None) is None


@pytest.mark.parametrize(
    "origins",
    [
        [],
        ["null"],
        [""],
        ["https://identity.test", "https://identity.test"],
        ["https://identity.test, https://identity.test"],
        ["https://identity.test/"],
        ["https://identity.test:443"],
        ["https://Identity.test"],
        ["http://identity.test"],
        ["https://identity.test.evil.test"],
        ["https://evil-identity.test"],
        ["https://evil.test/https://identity.test"],
        ["https://identity.test@evil.test"],
        ["https://idеntity.test"],  # a Cyrillic e
        ["*"],
        ["https://identity.test "],
    ],
)
def test_an_origin_must_be_one_and_equal_letter_for_letter(origins):
    assert refusal(origins=origins) is Refusal.ORIGIN


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["127.0.0.1"],
        ["localhost:27500"],
        ["127.0.0.1:27501"],
        ["127.0.0.1:27500", "127.0.0.1:27500"],
        ["evil.test:27500"],
        ["127.0.0.1:27500.evil.test"],
        ["[::1]:27500"],
        ["127.1:27500"],
        ["127.0.0.1:027500"],
    ],
)
def test_the_host_must_be_one_and_the_very_address(hosts):
    assert refusal(hosts=hosts) is Refusal.HOST


@pytest.mark.parametrize("path", ["/", "", "/v1/", "/v2", "/v1?x=1", "//v1", "/V1", "/%76%31"])
def test_the_path_must_be_the_very_path(path):
    assert refusal(path=path) is Refusal.PATH


@pytest.mark.parametrize(
    "subprotocols",
    [
        [],
        ["reader-bridge.v2"],
        ["reader-bridge.v1", "reader-bridge.v1"],
        ["reader-bridge.v1, chat"],
        ["Reader-Bridge.v1"],
    ],
)
def test_the_subprotocol_must_be_this_one_alone(subprotocols):
    assert refusal(subprotocols=subprotocols) is Refusal.SUBPROTOCOL


@pytest.mark.parametrize("peer", ["10.0.0.1", "192.168.1.4", "", "fe80::1", "127.0.0.1.evil.test"])
def test_the_other_end_must_be_on_this_pc(peer):
    assert refusal(peer=peer) is Refusal.PEER


def test_another_user_of_this_pc_stays_outside():
    assert refusal(same_user=False) is Refusal.OTHER_USER


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "HEAD"])
def test_only_a_websocket_may_knock(method):
    assert refusal(method=method) is Refusal.METHOD


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:6B6C 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 0100007F:C001 0100007F:6B6C 01 00000000:00000000 00:00000000 00000000  1001        0 2 1
   2: 0100007F:6B6C 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 3 1
   broken
"""


def test_the_owner_of_the_other_end_is_read_from_the_table_of_connections(tmp_path: Path):
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    assert door.owner_of_peer(0xC001, PORT, table) == 1001


def test_a_connection_that_is_not_in_the_table_has_no_known_owner(tmp_path: Path):
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    assert door.owner_of_peer(0xC002, PORT, table) is None
    assert door.is_same_user(0xC001, PORT, tmp_path / "missing") is None


def test_another_owner_of_the_other_end_is_another_user(tmp_path: Path):
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    assert door.is_same_user(0xC001, PORT, table) is False
