"""What a page's script sends: one JSON object, refused whole when nobody means it.

Everything behind this may rely on texts that every database can keep, on numbers that are numbers,
and on a depth that no reader of JSON stumbles over.
"""

import json
import math
import re
from typing import Any, NoReturn

from flask import abort, request

DEEPEST = 16
LARGEST = 2**53  # what a browser's own numbers hold exactly
UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def posted() -> dict[str, Any]:
    """Return the JSON object that was sent; empty where nothing was.

    A name that comes twice, NUL or half a surrogate pair in a text, a number that is none, or
    objects within objects without end: 400.
    """
    sent = request.get_data()
    if not sent:
        return {}
    try:
        body = json.loads(
            sent,
            object_pairs_hook=_once_each,
            parse_constant=_no_number,
            parse_float=_finite,
        )
    except (ValueError, RecursionError):
        abort(400)
    if not isinstance(body, dict) or not _is_sane(body):
        abort(400)
    return body


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _is_sane(value: Any, depth: int = 0) -> bool:
    if depth > DEEPEST:
        return False
    if isinstance(value, str):
        return UNKEEPABLE.search(value) is None
    if isinstance(value, int):
        return abs(value) <= LARGEST
    if isinstance(value, list):
        return all(_is_sane(each, depth + 1) for each in value)
    if isinstance(value, dict):
        return all(_is_sane(name) and _is_sane(each, depth + 1) for name, each in value.items())
    return True
