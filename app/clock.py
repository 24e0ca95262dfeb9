"""What time it is. Blueprints and commands ask here; everything below them is handed `now`."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, current_app

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def init_app(app: Flask, clock: Clock) -> None:
    """Give the application its clock. Tests hand in one that they can move."""
    app.extensions["clock"] = clock


def now() -> datetime:
    """Return the time of the application's clock, aware and in UTC."""
    return of(current_app)


def of(app: Flask) -> datetime:
    """Return the time of this application's clock, aware and in UTC."""
    clock: Clock = app.extensions["clock"]
    return clock()
