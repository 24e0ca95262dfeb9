"""A message to the bridge and back, against a plain websocket that echoes the same bytes."""

import json
import os
import sys
import tempfile
from pathlib import Path

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from bench.figures import Figure, compared
from bench.installed import bare_installation
from reader_bridge.contract import HOST, SUBPROTOCOL, Say
from tests.parts.ports import accepts, free_port
from tools.processes import Family

ROUNDS = 2_000


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        installation = bare_installation(Path(folder))
        echo_port = free_port()
        with Family(installation.logs) as family:
            installation.start_bridge(family)
            echo = [sys.executable, "-m", "bench.echo", str(echo_port)]
            family.start("echo", echo, environment=os.environ, ready=lambda: accepts(echo_port))
            with (
                connect(
                    installation.bridge_address,
                    origin=Origin(installation.origin),
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    proxy=None,
                ) as bridge,
                connect(f"ws://{HOST}:{echo_port}", proxy=None) as plain,
            ):
                answer = ask(bridge)
                found = compared(
                    lambda: list_readers(bridge), lambda: echo_of(plain, answer), ROUNDS
                )
    return [
        Figure(
            name="bridge round trip",
            value=found.value,
            unit="ms",
            floor=found.floor,
            goal=2 * found.floor,
            goal_in_words="2 × a plain echo",
            conditions=f"median of {ROUNDS} questions about the virtual readers, on loopback",
        )
    ]


def ask(bridge: ClientConnection) -> str:
    """Ask what is in the readers, and return the answer; what else it says is not counted."""
    bridge.send(json.dumps({"id": "1", "command": Say.DESK, "action": "list"}))
    while '"re"' not in (answer := str(bridge.recv(timeout=10))):
        pass
    return answer


def list_readers(bridge: ClientConnection) -> None:
    ask(bridge)


def echo_of(plain: ClientConnection, text: str) -> None:
    plain.send(text)
    plain.recv(timeout=10)
