"""Who may come in: the whole policy for a new connection, as one function of values.

Everything here is compared string for string. "Contains" and "starts with" are how other bridges
were opened to look-alike pages; a check of ``Origin`` without one of ``Host`` is how they were
opened to DNS rebinding.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

from reader_bridge import contract


class Refusal(StrEnum):
    """Why somebody was not let in. For the log only: the answer to them is always the same."""

    METHOD = "method"
    PATH = "path"
    HOST = "host"
    ORIGIN = "origin"
    SUBPROTOCOL = "subprotocol"
    PEER = "peer"
    OTHER_USER = "other-user"


@dataclass(frozen=True)
class Knock:
    """What is known of somebody at the door. Headers are lists: a doubled one is refused."""

    method: str
    path: str
    hosts: Sequence[str]
    origins: Sequence[str]
    subprotocols: Sequence[str]  # the values of Sec-WebSocket-Protocol as they were sent
    peer: str  # the address of the other end
    same_user: bool | None  # None: the system does not tell


def refusal(knock: Knock, *, port: int, origins: Collection[str]) -> Refusal | None:
    """Say why this one may not come in; ``None`` lets them in."""
    if knock.method != "GET":
        return Refusal.METHOD
    if knock.path != contract.PATH:
        return Refusal.PATH
    if list(knock.hosts) != [f"{contract.HOST}:{port}"]:
        return Refusal.HOST
    if len(knock.origins) != 1 or knock.origins[0] == "null" or knock.origins[0] not in origins:
        return Refusal.ORIGIN
    if list(knock.subprotocols) != [contract.SUBPROTOCOL]:
        return Refusal.SUBPROTOCOL
    if not _is_loopback(knock.peer):
        return Refusal.PEER
    if knock.same_user is False:
        return Refusal.OTHER_USER
    return None


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def owner_of_peer(port: int, own_port: int, table: Path = Path("/proc/net/tcp")) -> int | None:
    """Return the user id that owns the other end of a loopback connection, as Linux tells it.

    Args:
        port: the port of the other end.
        own_port: the bridge's own port.

    Returns:
        ``None`` where the system does not tell (no such file, no such line).
    """
    try:
        lines = table.read_text("ascii").splitlines()[1:]
    except (OSError, UnicodeDecodeError):
        return None
    # proc(5): sl local_address rem_address st tx:rx tr:tm retrnsmt uid ...; ports in hexadecimal
    for line in lines:
        fields = line.split()
        if len(fields) < 8:
            continue
        local, remote = fields[1].rpartition(":")[2], fields[2].rpartition(":")[2]
        if local == f"{port:04X}" and remote == f"{own_port:04X}":
            return int(fields[7])
    return None


def is_same_user(port: int, own_port: int, table: Path = Path("/proc/net/tcp")) -> bool | None:
    """Say whether the other end belongs to the user who runs the bridge; ``None``: not known."""
    if not hasattr(os, "getuid"):
        return None
    owner = owner_of_peer(port, own_port, table)
    return None if owner is None else owner == os.getuid()
