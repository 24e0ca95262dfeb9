"""What a bridge says when it or a card says no: a code of the contract, and its facts.

A page brings it, so that anything may be in it. What the contract does not know is left out.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.card_operations.wire import Malformed
from reader_bridge.contract import Code, Command, PasscodeRefusal
from reader_bridge.contract import Outcome as CardOutcome

MOST_TRIES = 255
STATUS_WORD = re.compile("[0-9a-f]{4}")

Facts = dict[str, Any]


def read(error: object) -> tuple[Code, Facts]:
    """Return code and facts. A code that is not known here counts as ``failed``.

    Raises:
        Malformed: it has no code.
    """
    if not isinstance(error, Mapping) or not isinstance(error.get("code"), str):
        raise Malformed("error")
    code = error["code"]
    told = {name: error[name] for name in FACTS if name in error}
    known = {name: value for name, value in told.items() if FACTS[name](value)}
    return (Code(code) if code in set(Code) else Code.FAILED), known


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TRIES


def _one_of(words: type[Command | PasscodeRefusal | CardOutcome]) -> Callable[[object], bool]:
    known = {word.value for word in words}
    return lambda value: isinstance(value, str) and value in known


FACTS: dict[str, Callable[[Any], bool]] = {
    "left": lambda value: value is None or _is_count(value),
    "outcome": _one_of(CardOutcome),
    "rule": _one_of(PasscodeRefusal),
    "command": _one_of(Command),
    "sw": lambda value: isinstance(value, str) and bool(STATUS_WORD.fullmatch(value)),
    "refused": lambda value: (
        isinstance(value, list) and len(value) <= 2 and all(map(_is_count, value))
    ),
    "limit": _is_count,
}
