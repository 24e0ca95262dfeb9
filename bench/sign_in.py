"""From the typed passcode to the session: page, server and bridge, against the card alone."""

import sqlite3
import time
from contextlib import closing

from app.cli.bridge_page import bridge_page
from bench.figures import Figure, durations, median_ms
from bench.http_page import HttpPage, introduce, sign_in
from bench.installed import whole_service
from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.virtual.applet import VirtualCard
from tests.parts.desk import READER_1
from tests.parts.service import Service
from tests.parts.visitor import CARDS, HOLDER

ROUNDS = 30
MOST_ABOVE_THE_CARD = 150  # ms
PASSCODE = CARDS[HOLDER].passcode


def measure() -> list[Figure]:
    with whole_service() as service:
        service.desk.insert(HOLDER)
        without_terms(service)
        times = [one_sign_in(service)[0] for _ in range(ROUNDS)]
        card = VirtualCard.load(next(service.installation.cards.glob(f"{HOLDER}*")))
        bare = durations(lambda: what_the_card_does(card), ROUNDS)
    value, floor = median_ms(times), median_ms(bare)
    return [
        Figure(
            name="sign-in",
            value=value,
            unit="ms",
            floor=floor,
            goal=floor + MOST_ABOVE_THE_CARD,
            goal_in_words=f"the card + {MOST_ABOVE_THE_CARD} ms",
            conditions=f"median of {ROUNDS}: P-256 virtual card, SQLite, one server worker",
        )
    ]


def one_sign_in(service: Service) -> tuple[float, HttpPage]:
    """Sign in as a new browser; return how long it took after the passcode, and the browser."""
    page = HttpPage(service.installation.port)
    port = int(service.installation.bridge_port_file.read_text())
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


def what_the_card_does(card: VirtualCard) -> None:
    """The commands of a sign-in, with nothing around them."""
    piv = PivCard(CardConnection(card))
    piv.select()
    piv.read_chuid()
    piv.verify(PASSCODE)
    piv.sign("9a", "ES256", b"x" * 300)
    card.reset()
