"""The floor of what is done with a card: its commands alone, in order, with nothing around them.

They are the commands that the reader bridge sends for the same operation, no more and no fewer.
"""

import time
from dataclasses import replace
from pathlib import Path

from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.state import CardState
from tests.parts.cards import Speed, answer_with

TEXT = b"x" * 300  # as long as a statement
SPEEDS: dict[str, Speed] = {
    "in software": {},
    "as slow as a real one": {
        "command_seconds": 0.015,
        "signature_seconds": 0.18,
        "key_generation_seconds": 5.0,
    },
}


def spoken(speed: Speed) -> str:
    """Say what a card's speed is, in the words of its settings."""
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in speed.items())


class BareCard:
    """A copy of a card, to which somebody with all its secrets sends commands."""

    def __init__(self, file: Path, passcode: str) -> None:
        self._chip = VirtualCard(replace(CardState.load(file), path=None))
        self.passcode = passcode

    def sign_in(self) -> float:
        began = time.perf_counter()
        card = self._taken()
        card.verify(self.passcode)
        card.sign("9a", "ES256", TEXT)
        self._chip.reset()
        return time.perf_counter() - began

    def renewal(self) -> float:
        """Both keys made and their certificates written; those that are there serve again."""
        written = {slot: self._certificate(slot) for slot in ("9a", "9c")}
        began = time.perf_counter()
        card = self._taken()
        card.verify(self.passcode)
        card.sign("9a", "ES256", TEXT)
        algorithm, witness = card.open_management()
        answer_with(card, algorithm, witness, self._chip.state.management_key)
        self._make_key(card, "9c")
        card.verify(self.passcode)
        card.sign("9c", "ES256", TEXT)
        card.sign("9a", "ES256", TEXT)
        card.write_certificate("9c", written["9c"])
        card.verify(self.passcode)
        card.sign("9c", "ES256", TEXT)
        self._make_key(card, "9a")
        card.sign("9a", "ES256", TEXT)
        card.verify(self.passcode)
        card.sign("9c", "ES256", TEXT)
        card.write_certificate("9a", written["9a"])
        card.sign("9a", "ES256", TEXT)
        self._chip.reset()
        return time.perf_counter() - began

    def unlock(self) -> float:
        puk = self._chip.state.puk.value.decode()
        began = time.perf_counter()
        self._taken().sign("9e", "ES256", TEXT)
        card = self._taken()  # the holder's questions or the agent's decision lie between
        card.puk_tries_left()
        card.change_puk(puk, puk)
        card.reset_retry_counter(puk, self.passcode)
        card.verify(self.passcode)
        card.sign("9a", "ES256", TEXT)
        self._chip.reset()
        return time.perf_counter() - began

    def _taken(self) -> PivCard:
        card = PivCard(CardConnection(self._chip))
        card.select()
        card.read_chuid()
        return card

    def _make_key(self, card: PivCard, slot: str) -> None:
        card.generate(slot, "ES256")
        card.attest(slot)

    def _certificate(self, slot: str) -> bytes:
        card = PivCard(CardConnection(VirtualCard(replace(self._chip.state), sleep=lambda _: None)))
        card.select()
        found = card.read_certificate(slot)
        assert found is not None, slot
        return found
