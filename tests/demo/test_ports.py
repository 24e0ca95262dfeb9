"""What may be wished for on the command line. A port that is taken is said in words."""

import os
import socket
from collections.abc import Iterator

import pytest

from tools import ports
from tools.demo import CannotStart, Wishes, check_ports, installation_for


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ports.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def wishes(**values: int) -> Wishes:
    free = {"port": 0, "bridge_port": 40_000, "mail_port": 0}
    return Wishes(**(free | values), real_readers=False, fresh=False)


def test_a_taken_port_names_its_owner_and_another_port(taken: int) -> None:
    assert not ports.is_free(taken)
    with pytest.raises(CannotStart) as reason:
        check_ports(wishes(port=taken))
    text = str(reason.value)
    assert f"Port {taken} is in use by" in text
    assert f"process {os.getpid()}" in text
    other = int(text.rpartition("DEMO_PORT=")[2])
    assert other != taken
    assert ports.is_free(other)


def test_a_taken_mail_port_is_named_by_its_own_setting(taken: int) -> None:
    with pytest.raises(CannotStart, match="MAIL_PORT="):
        check_ports(wishes(mail_port=taken))


def test_one_free_port_of_the_ten_is_enough_for_the_bridge(taken: int) -> None:
    check_ports(wishes(bridge_port=min(taken, 65_500)))


@pytest.mark.parametrize("port", ["80", "65536", "many", "-1", ""])
def test_a_port_that_is_no_port_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PORT", port)
    with pytest.raises(CannotStart, match="DEMO_PORT is a number from 1024 to 65500"):
        Wishes.from_environment()


def test_only_known_kinds_of_readers_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READERS", "usb")
    with pytest.raises(CannotStart, match="virtual or pcsc"):
        Wishes.from_environment()


@pytest.mark.parametrize(
    ("asked", "given"), [("code", "code"), ("off", "off"), ("", "questions-and-code")]
)
def test_the_mode_of_self_service_that_is_asked_for_reaches_the_server(
    asked: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELF_SERVICE_MODE", asked)
    environment = installation_for(Wishes.from_environment()).environment
    assert environment["SELF_SERVICE_MODE"] == given


def test_only_known_modes_of_self_service_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELF_SERVICE_MODE", "codes")
    with pytest.raises(CannotStart, match="questions-and-code, code, off"):
        Wishes.from_environment()
