"""Addresses: what no row can have is "not found", before a database sees it."""

from typing import Any

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1  # of a primary key
LARGEST_EVENT = 2**63 - 1  # of the audit log's, which is larger


class RowNumber(IntegerConverter):
    """``<int:card_id>`` in an address."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:  # noqa: A002 - its base's name
        super().__init__(map, *args, **{"max": LARGEST, **kwargs})


def number_asked(name: str, largest: int = LARGEST_EVENT) -> int | None:
    """Return a number from the query of this request; ``None`` if there is none that a row has."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number <= largest else None


def refuse_nul() -> None:
    """No text in a database has NUL in it: nothing is found there, and PostgreSQL would fail."""
    if "\0" in request.path:
        abort(404)


def init_app(app: Flask) -> None:
    app.before_request(refuse_nul)
    app.url_map.converters["int"] = RowNumber
