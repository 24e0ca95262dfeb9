"""The websocket server itself: the door as the network sees it, frames, limits, ports."""

import json
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from reader_bridge import contract
from reader_bridge.server import NoFreePort
from tests.parts import work
from tests.parts.bridge import ORIGIN, bridge_settings, running_bridge
from tests.parts.issued import PASSCODE

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def knock(port: int, *lines: str, path: str = "/v1", method: str = "GET") -> bytes:
    """Send a handshake of exactly these header lines, and return the whole answer."""
    upgrade = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
    )
    request = "\r\n".join((f"{method} {path} HTTP/1.1", *lines, *upgrade, "", ""))
    with socket.create_connection((contract.HOST, port), timeout=5) as end:
        end.sendall(request.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = end.recv(4096)
            if not part:
                break
            answer += part
        if answer.startswith(b"HTTP/1.1 101"):
            return answer
        while part := end.recv(4096):
            answer += part
    return answer


def good_lines(port: int) -> dict[str, str]:
    return {
        "Host": f"127.0.0.1:{port}",
        "Origin": ORIGIN,
        "Sec-WebSocket-Protocol": "reader-bridge.v1",
    }


def as_lines(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def test_a_page_of_the_service_is_let_in(bridge):
    answer = knock(bridge.port, *as_lines(good_lines(bridge.port)))
    assert answer.startswith(b"HTTP/1.1 101")
    assert b"Sec-WebSocket-Protocol: reader-bridge.v1" in answer
    assert b"Sec-WebSocket-Extensions" not in answer  # no compression


@pytest.mark.parametrize(
    "change",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": ORIGIN + ".evil.test"},
        {"Origin": ORIGIN + "/"},
        {"Host": None},
        {"Host": "localhost:{port}"},
        {"Host": "evil.test:{port}"},
        {"Host": "127.0.0.1"},
        {"Sec-WebSocket-Protocol": None},
        {"Sec-WebSocket-Protocol": "chat"},
    ],
)
def test_whoever_is_not_let_in_hears_403_and_nothing_else(bridge, change):
    headers = good_lines(bridge.port)
    for name, value in change.items():
        headers.pop(name)
        if value is not None:
            headers[name] = value.format(port=bridge.port)
    head, _, body = knock(bridge.port, *as_lines(headers)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    assert body == b""
    assert b"Server" not in head


@pytest.mark.parametrize("name", ["Origin", "Host", "Sec-WebSocket-Protocol"])
def test_a_doubled_header_is_not_let_in(bridge, name):
    headers = good_lines(bridge.port)
    lines = [*as_lines(headers), f"{name}: {headers[name]}"]
    head, _, body = knock(bridge.port, *lines).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    assert body == b""


@pytest.mark.parametrize("path", ["/", "/v1/", "/v2", "/v1?origin=x"])
def test_another_path_is_not_let_in(bridge, path):
    answer = knock(bridge.port, *as_lines(good_lines(bridge.port)), path=path)
    assert answer.startswith(b"HTTP/1.1 403 ")


def test_nothing_but_a_websocket_gets_an_answer_of_use(bridge):
    answer = knock(bridge.port, *as_lines(good_lines(bridge.port)), method="POST")
    assert not answer.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200"))


def test_only_this_pcs_own_address_listens(bridge):
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{bridge.port:04X}") and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F:{bridge.port:04X}"]


def test_the_bridge_takes_the_first_free_port_of_its_range(tmp_path, office, bridge):
    settings = replace(bridge_settings(tmp_path / "b", office.jwk), first_port=bridge.port, ports=3)
    with running_bridge(settings) as second:
        assert bridge.port < second.port <= bridge.port + 2


def test_a_bridge_that_finds_no_free_port_says_so(tmp_path, office, bridge):
    settings = replace(bridge_settings(tmp_path / "b", office.jwk), first_port=bridge.port, ports=1)
    with pytest.raises(NoFreePort), running_bridge(settings):
        pass


def test_one_page_too_many_is_told_so_and_let_go(tmp_path, office):
    settings = bridge_settings(tmp_path, office.jwk, connections=2)
    with running_bridge(settings) as bridge, bridge.page(), bridge.page() as second:
        with connect(
            f"ws://127.0.0.1:{bridge.port}/v1",
            origin=Origin(ORIGIN),
            subprotocols=[Subprotocol("reader-bridge.v1")],
            proxy=None,
        ) as third:
            assert json.loads(third.recv(timeout=5)) == {"error": {"code": "too-many", "limit": 2}}
            with pytest.raises(ConnectionClosed):
                third.recv(timeout=5)
        second.close()
        time.sleep(0.1)
        with bridge.page() as again:
            assert again.sid


def test_thirty_two_pages_may_be_connected_and_no_more(bridge):
    pages = [bridge.page() for _ in range(contract.MAX_CONNECTIONS)]
    with pytest.raises((KeyError, AssertionError)):
        bridge.page()  # its first message is no hello
    for page in pages:
        page.close()


def test_each_connection_has_its_own_number_and_key(bridge):
    with bridge.page() as one, bridge.page() as two:
        assert one.sid != two.sid
        assert one.claims["ek"] != two.claims["ek"]
        assert one.claims["instance"] == two.claims["instance"]


def test_a_frame_that_is_too_large_ends_the_connection(page):
    page.send("x" * (contract.MAX_FRAME_BYTES + 1))
    with pytest.raises(ConnectionClosed) as closed:
        page.hear()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00\x01",
        "",
        "junk",
        "[]",
        '"step"',
        "null",
        "[" * 20_000,
        '{"id": 1',
    ],
)
def test_junk_is_answered_and_changes_nothing(page, junk):
    page.send(junk)
    assert page.hear() == {"re": None, "error": {"code": "unsupported"}}
    assert "ok" in page.ask("desk", action="list")


@pytest.mark.parametrize("command", [None, "", "transmit", "STEP", 7, {"step": 1}])
def test_an_unknown_request_is_answered_unsupported(page, command):
    assert page.ask(command)["error"] == {"code": "unsupported"}


def test_unknown_fields_are_ignored(page, office, card):
    ticket = office.ticket(page.sid, card["seat"], card["guid"], [work.sign()])
    answer = page.ask("step", ticket=ticket, passcode=PASSCODE, apdu="00a40400", more={"x": 1})
    assert "ok" in answer


@pytest.mark.parametrize("identifier", [{"x": 1}, None, True, "x" * 65])
def test_an_identifier_that_cannot_be_one_is_answered_without(page, identifier):
    page.send({"id": identifier, "command": "desk", "action": "list"})
    assert page.hear()["re"] is None


def test_an_answer_names_the_question(page):
    page.send({"id": "question-7", "command": "desk", "action": "list"})
    assert page.hear()["re"] == "question-7"


def test_a_bridge_lets_its_pages_hear_that_time_passes(tmp_path, office):
    settings = bridge_settings(tmp_path, office.jwk, tick=0.1)
    with running_bridge(settings) as bridge, bridge.page() as page:
        page.until_event("tick")
        page.until_event("tick")


def test_a_page_that_asks_too_much_at_once_is_out_of_turn(tmp_path, office):
    settings = bridge_settings(tmp_path, office.jwk, requests=0)
    with running_bridge(settings) as bridge, bridge.page() as page:
        assert page.ask("desk", action="list")["error"] == {"code": "out-of-turn"}


def test_a_bridge_that_stops_says_goodbye(tmp_path, office):
    with running_bridge(bridge_settings(tmp_path, office.jwk)) as bridge:
        page = bridge.page()
        stopping = threading.Thread(target=bridge.stop)
        stopping.start()
        with pytest.raises(ConnectionClosed) as closed:
            page.hear()
        stopping.join()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_a_stopped_bridge_lets_nobody_in(tmp_path, office):
    with running_bridge(bridge_settings(tmp_path, office.jwk)) as bridge:
        port = bridge.port
    with pytest.raises((OSError, InvalidStatus)):
        connect(f"ws://127.0.0.1:{port}/v1", proxy=None, open_timeout=1).__enter__()
