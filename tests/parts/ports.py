"""Ports that nobody uses. Every test asks for its own, so that tests can run side by side."""

import socket

from reader_bridge.contract import HOST


def free_port() -> int:
    """Return a port of this machine that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def accepts(port: int) -> bool:
    """Say whether a program listens on ``port``."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((HOST, port)) == 0
