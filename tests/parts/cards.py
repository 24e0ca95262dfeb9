"""Virtual cards for tests, and the management key's keeper, who is the server in real life."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS, Behaviour
from reader_bridge.virtual.state import CardState

PASSCODE = "123456"  # of a card from the factory
PUK = "12345678"
Speed = Mapping[str, float]  # settings of reader_bridge.virtual.behaviour, in seconds


def virtual_card(behaviour: str | Behaviour = "default", /, **differences: Any) -> VirtualCard:
    """A blank card in memory that behaves as named, with differences; it never really sleeps."""
    named = BEHAVIOURS[behaviour] if isinstance(behaviour, str) else behaviour
    state = CardState.blank(replace(named, **differences), serial=4_000_000_001)
    return VirtualCard(state, sleep=lambda seconds: None)


def make_as_fast_as(file: Path, speed: Speed) -> None:
    """Give the card in ``file`` a speed; it has to be out of its reader."""
    state = CardState.load(file)
    settings: dict[str, Any] = dict(speed)
    state.behaviour = replace(state.behaviour, **settings)
    state.save()


def in_hand(virtual: VirtualCard) -> PivCard:
    """The card as the bridge sees it, with the application selected."""
    card = PivCard(CardConnection(virtual), atr=virtual.atr)
    card.select()
    return card


def cipher(algorithm: str, key: bytes) -> Cipher[modes.ECB]:
    """One block of the management key's cipher, as mutual authentication uses it."""
    kind = TripleDES(key) if algorithm == "3DES" else algorithms.AES(key)
    return Cipher(kind, modes.ECB())  # noqa: S305 - one block, as the standard has it


def authenticate(card: PivCard, key: bytes) -> None:
    """Prove the management key to the card, and check that the card knows it too."""
    algorithm, witness = card.open_management()
    answer_with(card, algorithm, witness, key)


def answer_with(card: PivCard, algorithm: str, witness: bytes, key: bytes) -> None:
    challenge = secrets.token_bytes(len(witness))
    answer = cipher(algorithm, key).decryptor().update(witness)
    response = card.answer_management(algorithm, answer, challenge)
    assert response == cipher(algorithm, key).encryptor().update(challenge)


def ready(behaviour: str | Behaviour = "default", /, **differences: Any) -> PivCard:
    """A blank card with management authentication."""
    virtual = virtual_card(behaviour, **differences)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    return card


def der_signature(jose: bytes) -> bytes:
    """An ES256 signature as cryptography verifies it."""
    half = len(jose) // 2
    return encode_dss_signature(
        int.from_bytes(jose[:half], "big"), int.from_bytes(jose[half:], "big")
    )
