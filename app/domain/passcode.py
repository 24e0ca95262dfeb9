"""What a passcode may be. The server decides the numbers and never sees a passcode."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SHORTEST = 4
LONGEST = 8
TRIES = 3  # before the card locks itself, where the card lets us set it
FORBIDDEN_PIECE = SHORTEST  # a number shorter than any passcode contains none


class Alphabet(StrEnum):
    """What a passcode may consist of. The words are those of ``reader_bridge.contract``."""

    ASCII = "ascii"  # printable ASCII without space
    DIGITS = "digits"


@dataclass(frozen=True)
class PasscodeRule:
    """The length and the alphabet of a passcode. A make of card may narrow both.

    Raises:
        ValueError: no passcode could keep the rule, or it is wider than the service's.
    """

    min_length: int = SHORTEST
    max_length: int = LONGEST
    alphabet: Alphabet = Alphabet.ASCII

    def __post_init__(self) -> None:
        if not SHORTEST <= self.min_length <= self.max_length <= LONGEST:
            raise ValueError(f"a passcode of {self.min_length} to {self.max_length} characters")

    def narrowed(
        self, *, min_length: int, max_length: int, alphabet: str | Alphabet
    ) -> "PasscodeRule":
        """Return this rule, narrowed by what a make of card says of itself.

        What the card would take beyond the service's rule stays refused.

        Raises:
            ValueError: card and service have no passcode in common.
        """
        return PasscodeRule(
            max(self.min_length, min_length),
            min(self.max_length, max_length),
            Alphabet.DIGITS if Alphabet.DIGITS in (self.alphabet, alphabet) else Alphabet.ASCII,
        )

    @property
    def same_length(self) -> bool:
        return self.min_length == self.max_length

    @property
    def words(self) -> str:
        """The rule as a person reads it before typing, to follow "Your passcode has"."""
        kind = "digits" if self.alphabet is Alphabet.DIGITS else "letters, digits or symbols"
        if self.same_length:
            return f"{self.max_length} {kind}"
        return f"{self.min_length} to {self.max_length} {kind}"

    def as_facts(self, *forbidden: str | None) -> dict[str, Any]:
        """Return the ``rule`` of a ticket: the bridge applies it before it touches the card.

        ``forbidden`` are numbers that everybody can read: the UUID and the number of the card.
        A passcode that is a part of one of them is refused.
        """
        return {
            "min_length": self.min_length,
            "max_length": self.max_length,
            "alphabet": self.alphabet.value,
            "not_in": forbidden_numbers(forbidden),
        }


def forbidden_numbers(numbers: Iterable[str | None]) -> list[str]:
    """Return the numbers that a passcode may not be a part of, each once."""
    return sorted({n.strip() for n in numbers if n and len(n.strip()) >= FORBIDDEN_PIECE})
