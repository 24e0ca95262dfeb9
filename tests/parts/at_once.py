"""Doing the same thing many times at once: threads, each with an application context."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from flask import Flask

Result = TypeVar("Result")


def at_once(app: Flask, how_many: int, action: Callable[[], Result]) -> list[Result | Exception]:
    """Start ``how_many`` threads together and return what each came to, errors included."""
    start = Barrier(how_many)

    def one() -> Result | Exception:
        with app.app_context():
            start.wait(timeout=20)
            try:
                return action()
            except Exception as error:
                return error

    with ThreadPoolExecutor(how_many) as threads:
        return [each.result() for each in [threads.submit(one) for _ in range(how_many)]]
