"""Whose port is it? In words, for a person who wants to start something on it."""

import contextlib
import os
import socket
from pathlib import Path

HOST = "127.0.0.1"
LISTENING = "0A"  # linux/net/tcp_states.h


def is_free(port: int) -> bool:
    """Say whether a program could listen on ``port`` now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
        return True


def owner(port: int) -> str:
    """Return which program listens on ``port``, as far as this user may know."""
    sockets = _sockets_listening_on(port)
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & _open_files(process):
            return f"{_program(process)}, process {process.name}"
    return "another program"


def _open_files(process: Path) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):  # ended, or somebody else's
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(descriptor))
    return found


def _program(process: Path) -> str:
    with contextlib.suppress(OSError):
        words = (process / "cmdline").read_bytes().split(b"\0")
        return Path(words[0].decode(errors="replace")).name
    return "a program"


def _sockets_listening_on(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *others = line.split()
                if state == LISTENING and int(local.rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{others[5]}]")
    return found
