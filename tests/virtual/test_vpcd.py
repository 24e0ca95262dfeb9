"""The virtual card's end of the virtual reader driver's protocol. The driver itself: tests/pcsc."""

import socket
import subprocess
import sys
import threading

import pytest

from reader_bridge.virtual.behaviour import Tear
from reader_bridge.virtual.state import CardState
from reader_bridge.virtual.vpcd import Reader, main, run
from tests.parts.cards import virtual_card

SELECT = bytes.fromhex("00a4040005a000000308")


class Driver:
    """The driver's end of the connection."""

    def __init__(self, end):
        self._end = end

    def send(self, message):
        self._end.sendall(len(message).to_bytes(2, "big") + message)

    def ask(self, message):
        self.send(message)
        return self.receive()

    def receive(self):
        length = int.from_bytes(self._end.recv(2), "big")
        return self._end.recv(length) if length else b""


@pytest.fixture
def plugged_in():
    """Put a card in; gives the driver's end, and waits for the card's end afterwards."""
    started = []

    def plug_in(virtual):
        listener = socket.create_server(("127.0.0.1", 0))
        cards_end = socket.create_connection(listener.getsockname())
        drivers_end, _ = listener.accept()
        listener.close()

        def serve():
            with cards_end:
                run(Reader(virtual), cards_end)

        thread = threading.Thread(target=serve)
        thread.start()
        drivers_end.settimeout(10)
        started.append((thread, drivers_end))
        return Driver(drivers_end)

    yield plug_in
    for thread, drivers_end in started:
        drivers_end.close()
        thread.join(5)
        assert not thread.is_alive()


def test_the_driver_is_told_the_atr(plugged_in):
    virtual = virtual_card()
    assert plugged_in(virtual).ask(b"\x04") == virtual.atr


def test_commands_are_answered(plugged_in):
    driver = plugged_in(virtual_card())
    assert driver.ask(SELECT)[-2:] == b"\x90\x00"
    assert driver.ask(bytes.fromhex("00200080")) == b"\x63\xc3"


@pytest.mark.parametrize("control", [b"\x00", b"\x01", b"\x02"])
def test_power_and_reset_drop_what_was_selected_and_are_not_answered(plugged_in, control):
    driver = plugged_in(virtual_card())
    driver.ask(SELECT)
    driver.send(control)
    assert driver.ask(bytes.fromhex("00200080")) == b"\x6d\x00"


def test_a_torn_card_hangs_up_without_an_answer(plugged_in):
    driver = plugged_in(virtual_card(tear=Tear(2, takes_effect=True)))
    driver.ask(SELECT)
    assert driver.ask(bytes.fromhex("00200080")) == b""  # the end of the connection


def test_a_file_that_is_no_card_is_told_in_a_sentence(tmp_path, capsys):
    assert main(["--port", "1", str(tmp_path / "absent.json")]) == 1
    assert "The card cannot be read" in capsys.readouterr().err


def test_a_card_is_made_where_there_is_none_and_left_alone_where_there_is(tmp_path):
    path = tmp_path / "jo.json"
    arguments = ["--port", "1", "--make", "digits-63c0", str(path)]
    assert main(arguments) == 1  # nobody listens on port 1
    made = path.read_bytes()
    assert CardState.load(path).label == "jo"
    main(arguments)
    assert path.read_bytes() == made


def test_the_program_needs_a_port_and_a_card():
    asked = subprocess.run(
        [sys.executable, "-m", "reader_bridge.virtual.vpcd"], capture_output=True, text=True
    )
    assert asked.returncode == 2
    assert "--port" in asked.stderr
