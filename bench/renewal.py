"""Renewing certificates in a browser, against the card's own time and against doing it by hand."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

from bench.card_time import SPEEDS, BareCard, spoken
from bench.figures import Figure, median_ms
from bench.installed import whole_service
from bench.left_alone import LeftAlone, Measured, left_alone
from bench.sign_in import without_terms
from reader_bridge.virtual.state import new_card
from tests.parts.cards import Speed, make_as_fast_as
from tests.parts.pcscd import PrivatePcscd, running_pcscd
from tests.parts.renewer import EXPIRING, open_renewal, renewed
from tests.parts.service import Service
from tests.parts.visitor import CARDS, Visitor

ROUNDS = {"in software": 15, "as slow as a real one": 5}
BY_HAND_ROUNDS = 10
SEEN_TO_BE_OUT = 1.0  # seconds: pcscd looks into its virtual readers every 0.4
MOST_TIMES_A_SLOW_CARD = 1.05
MOST_ABOVE_A_CARD = 50.0  # ms, besides the round trips
MOST_ROUND_TRIPS = 5
PASSCODE = CARDS[EXPIRING].passcode
BY_HAND = "digits-3des"  # the make of card that yubico-piv-tool knows from the factory


def measure() -> list[Figure]:
    with whole_service() as service:
        without_terms(service)
        figures = [
            figure for name, speed in SPEEDS.items() for figure in with_card(service, name, speed)
        ]
        return [*figures, against_hand(service)]


def with_card(service: Service, name: str, speed: Speed) -> list[Figure]:
    """In the bridge's own reader, in turns with the bare card."""
    file = service.installation.cards / f"{EXPIRING}.json"
    ours: list[Measured] = []
    floors = []
    with left_alone(service) as browser:
        for _ in range(ROUNDS[name] + 1):
            service.reset()
            without_terms(service)
            make_as_fast_as(file, speed)
            floors.append(BareCard(file, PASSCODE).renewal())
            with browser.visit() as visitor:
                open_renewal(visitor)
            ours.append(one_renewal(browser, floors[-1], service.desk.remove))
    value, floor = median_ms([each.took for each in ours[1:]]), median_ms(floors[1:])
    conditions = (
        f"median of {ROUNDS[name]}, Chromium left alone, from the button to the drawn confirmation:"
        f" P-256 virtual card{spoken(speed)}, the bridge's own reader, SQLite, one worker"
    )
    if "key_generation_seconds" in speed:
        goal, words = MOST_TIMES_A_SLOW_CARD * floor, f"{MOST_TIMES_A_SLOW_CARD} × the card's time"
    else:
        goal = (
            floor
            + MOST_ABOVE_A_CARD
            + MOST_ROUND_TRIPS * median_ms([trip for each in ours[1:] for trip in each.trips])
        )
        words = f"the card's time + {MOST_ABOVE_A_CARD:.0f} ms + {MOST_ROUND_TRIPS} round trips"
    figures = [Figure(f"renewal, card {name}", value, "ms", floor, goal, words, conditions)]
    if not speed:
        most = max(each.requests for each in ours)
        words, conditions = "at most", "requests of the page from the button to the confirmation"
        figures.append(
            Figure("round trips of a renewal", most, "", None, MOST_ROUND_TRIPS, words, conditions)
        )
    return figures


def one_renewal(browser: LeftAlone, card_seconds: float, pull: Callable[[], None]) -> Measured:
    """Renew from the page that is open, and take the card out."""
    with browser.visit() as visitor:
        visitor.type_passcode(PASSCODE)
    measured = browser.press("Renew certificates", card_seconds=card_seconds)
    with browser.visit() as visitor:
        renewed(visitor)
        pull()
        expect(visitor.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    return measured


def against_hand(service: Service) -> Figure:
    """In a reader of PC/SC, in turns with somebody who types yubico-piv-tool's commands."""
    ours, theirs = [], []
    card = service.installation.cards / f"{EXPIRING}.json"
    service.reset()
    with (
        running_pcscd() as daemon,
        readers_of(daemon),
        service.bridge_with("pcsc"),
        tempfile.TemporaryDirectory() as folder,
        left_alone(service) as browser,
    ):
        hand = Hand(Path(folder), daemon)
        for _ in range(BY_HAND_ROUNDS + 1):
            service.restore()
            without_terms(service)
            daemon.insert(0, card)
            with browser.visit() as visitor:
                sign_in_and_open(visitor)
            ours.append(one_renewal(browser, 0.0, lambda: daemon.remove(0)).took)
            theirs.append(hand.renewal())
    value, floor = median_ms(ours[1:]), median_ms(theirs[1:])
    return Figure(
        name="renewal, against yubico-piv-tool by hand",
        value=value,
        unit="ms",
        floor=floor,
        goal=floor,
        goal_in_words="1.0 × generate, certificate, import, twice",
        conditions=(
            f"median of {BY_HAND_ROUNDS}, Chromium left alone: P-256 virtual card in software, "
            "pcscd"
        ),
    )


def sign_in_and_open(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.service.origin}/sign-in")
    visitor.enter(PASSCODE)
    visitor.reach_dashboard()
    visitor.open_card_services()
    page.get_by_role("link", name="Renew certificates").click()


@contextmanager
def readers_of(daemon: PrivatePcscd) -> Iterator[None]:
    """Let every program that starts now use this daemon's readers."""
    os.environ["PCSCLITE_CSOCK_NAME"] = str(daemon.socket)
    try:
        yield
    finally:
        del os.environ["PCSCLITE_CSOCK_NAME"]


class Hand:
    """Somebody with a prompt, a card, and a certificate authority in a folder."""

    def __init__(self, folder: Path, daemon: PrivatePcscd) -> None:
        self._folder = folder
        self._daemon = daemon
        self._card = folder / "card.json"
        new_card(self._card, behaviour=BY_HAND)
        self._run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-out", "ca.key")
        made = ("-key", "ca.key", "-subj", "/CN=CA", "-out", "ca.crt")
        self._run("openssl", "req", "-x509", "-new", *made)

    def renewal(self) -> float:
        self._daemon.insert(0, self._card)
        while not self._is_seen():
            time.sleep(0.1)
        began = time.perf_counter()
        for slot in ("9c", "9a"):
            self._piv("-a", "generate", "-s", slot, "-A", "ECCP256", "-o", "public")
            self._run(
                "openssl", "x509", "-new", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-force_pubkey", "public", "-subj", "/CN=Holder", "-out", "certificate",
            )  # fmt: skip
            self._piv("-a", "import-certificate", "-s", slot, "-i", "certificate")
        took = time.perf_counter() - began
        self._daemon.remove(0)
        time.sleep(SEEN_TO_BE_OUT)
        return took

    def _is_seen(self) -> bool:
        try:
            self._piv("-a", "status")
        except subprocess.CalledProcessError:
            return False
        return True

    def _piv(self, *words: str) -> None:
        self._run("yubico-piv-tool", "-r", self._daemon.reader(0), *words)

    def _run(self, *command: str) -> None:
        environment = {**self._daemon.environment, "HOME": str(self._folder)}
        subprocess.run(
            command, cwd=self._folder, env=environment, check=True, capture_output=True, timeout=60
        )
