"""Statements: what a card signs. The bridge builds every claim; a page supplies none of them.

A compact JWS of type ``rb-statement`` whose ``kid`` is the slot. ``aud`` is the origin as the
bridge saw it at its door, so that what a look-alike page obtains is of no use anywhere else.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from reader_bridge import encoding
from reader_bridge.contract import Algorithm, Slot, Typ


class Statements:
    """Makes the statements of one connection about one insertion of a card."""

    def __init__(
        self,
        *,
        origin: str,
        seat: str,
        instance: str,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._origin = origin
        self._seat = seat
        self._instance = instance
        self._wall_clock = wall_clock

    def make(
        self,
        claims: Mapping[str, Any],
        *,
        guid: str | None,
        slot: Slot,
        algorithm: Algorithm,
        sign: Callable[[bytes], bytes],
    ) -> str:
        """Let the card sign ``claims``, with what the bridge itself knows added.

        Args:
            guid: the card's identifier as it was read.
            sign: takes the signing input and returns the signature in JOSE's form.
        """
        header = {"alg": algorithm.value, "typ": Typ.STATEMENT.value, "kid": slot.value}
        payload = {
            **claims,
            "aud": self._origin,
            "bridge": self._instance,
            "card": guid,
            "iat": int(self._wall_clock()),
            "seat": self._seat,
        }
        signing_input = ".".join(
            encoding.to_text(encoding.canonical(part)) for part in (header, payload)
        )
        return f"{signing_input}.{encoding.to_text(sign(signing_input.encode('ascii')))}"
