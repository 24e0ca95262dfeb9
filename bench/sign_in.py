"""From the typed passcode to the session: page, server and bridge, against the card alone."""

import sqlite3
import time
from contextlib import closing

from app.cli.bridge_page import bridge_page
from bench.card_time import SPEEDS, BareCard, spoken
from bench.figures import Figure, median_ms, side_by_side
from bench.http_page import HttpPage, introduce, sign_in
from bench.installed import whole_service
from tests.parts.cards import Speed, make_as_fast_as
from tests.parts.desk import READER_1
from tests.parts.service import Service
from tests.parts.visitor import CARDS, HOLDER

ROUNDS = 30
MOST_ABOVE_THE_CARD = 150  # ms
PASSCODE = CARDS[HOLDER].passcode


def measure() -> list[Figure]:
    with whole_service() as service:
        without_terms(service)
        return [with_card(service, name, speed) for name, speed in SPEEDS.items()]


def with_card(service: Service, name: str, speed: Speed) -> Figure:
    service.desk.clear()
    file = service.installation.cards / f"{HOLDER}.json"
    make_as_fast_as(file, speed)
    bare = BareCard(file, PASSCODE)
    service.desk.insert(HOLDER)
    times, floors = side_by_side(lambda: one_sign_in(service)[0], bare.sign_in, ROUNDS, warm_up=2)
    value, floor = median_ms(times), median_ms(floors)
    return Figure(
        name=f"sign-in, card {name}",
        value=value,
        unit="ms",
        floor=floor,
        goal=floor + MOST_ABOVE_THE_CARD,
        goal_in_words=f"the card's own time + {MOST_ABOVE_THE_CARD} ms",
        conditions=(
            f"median of {ROUNDS}, from the typed passcode to the session: P-256 virtual card"
            f"{spoken(speed)}, SQLite, one worker"
        ),
    )


def one_sign_in(service: Service) -> tuple[float, HttpPage]:
    """Sign in as a new browser; return how long it took after the passcode, and the browser."""
    page = HttpPage(service.installation.port)
    port = service.installation.bridge_listens_on
    with bridge_page(port, service.origin) as bridge:
        guid = bridge.read_card(READER_1)["guid"]
        introduce(page, bridge)
        started = time.perf_counter()
        sign_in(page, bridge, guid, PASSCODE)
        return time.perf_counter() - started, page


def without_terms(service: Service) -> None:
    """Take the terms away, so that every sign-in does the same work."""
    with closing(sqlite3.connect(service.database, timeout=10)) as database, database:
        database.execute("DELETE FROM terms_version")
