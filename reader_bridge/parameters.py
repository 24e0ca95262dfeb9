"""The parameters of a command in a ticket, each checked as it is read."""

from collections.abc import Mapping
from typing import Any

from reader_bridge import encoding
from reader_bridge.contract import Algorithm, Purpose, Slot
from reader_bridge.errors import UnknownRequest

Parameters = Mapping[str, Any]

MOST_TRIES = 15  # of a passcode or PUK: 63Cx has one digit for them


def slot(parameters: Parameters, name: str = "slot") -> Slot:
    try:
        return Slot(parameters[name])
    except (KeyError, ValueError):
        raise UnknownRequest(name) from None


def algorithm(parameters: Parameters) -> Algorithm:
    try:
        return Algorithm(parameters["algorithm"])
    except (KeyError, ValueError):
        raise UnknownRequest("algorithm") from None


def purpose(parameters: Parameters) -> Purpose:
    try:
        return Purpose(parameters["purpose"])
    except (KeyError, ValueError):
        raise UnknownRequest("purpose") from None


def text(parameters: Parameters, name: str) -> str:
    value = parameters.get(name)
    if not isinstance(value, str) or not value:
        raise UnknownRequest(name)
    return value


def octets(parameters: Parameters, name: str) -> bytes:
    return encoding.to_bytes(parameters.get(name))


def tries(parameters: Parameters, name: str) -> int:
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_TRIES:
        raise UnknownRequest(name)
    return value


def tag(name: str) -> int:
    try:
        return int(name, 16)
    except ValueError:
        raise UnknownRequest("tag") from None
