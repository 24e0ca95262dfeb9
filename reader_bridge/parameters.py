"""The parameters of a command in a ticket, each checked as it is read."""

import re
from collections.abc import Mapping
from typing import Any

from reader_bridge import encoding
from reader_bridge.contract import Algorithm, Purpose, Slot, Stage
from reader_bridge.errors import UnknownRequest
from reader_bridge.piv.management import ALGORITHMS, ManagementAlgorithm

Parameters = Mapping[str, Any]

DATA_OBJECT = re.compile("5f[0-9a-f]{4}")  # SP 800-73-4 part 1, table 3, and makers' own
# What a page is told while a key is made in a slot
MAKING = {
    Slot.AUTHENTICATION: Stage.MAKING_AUTHENTICATION_KEY,
    Slot.SIGNATURE: Stage.MAKING_SIGNATURE_KEY,
    Slot.CARD_AUTHENTICATION: Stage.GENERATING_KEY,
}
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


def management_algorithm(parameters: Parameters) -> ManagementAlgorithm:
    try:
        return ALGORITHMS[text(parameters, "algorithm")]
    except KeyError:
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
    if not DATA_OBJECT.fullmatch(name):
        raise UnknownRequest("tag")
    return int(name, 16)
