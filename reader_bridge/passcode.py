"""Whether a new passcode may be chosen: asked before the card is touched, and never by the server.

The server decides the numbers and sends them with the ticket; it never sees a passcode.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reader_bridge.contract import Alphabet, PasscodeRefusal

LONGEST = 8  # SP 800-73-4 part 2, section 2.4.3: padded with FF to eight bytes


class MalformedRule(ValueError):
    """The rule in a ticket cannot be read."""


@dataclass(frozen=True)
class PasscodeRule:
    """What a passcode of one card may be. Lengths are counted in characters, both included."""

    min_length: int
    max_length: int
    alphabet: Alphabet
    not_in: Sequence[str] = ()  # the holder's UUID, the card's printed number

    @classmethod
    def from_ticket(cls, value: object) -> "PasscodeRule":
        """Read the ``rule`` of a ticket's work.

        Raises:
            MalformedRule: a field is missing or of the wrong kind.
        """
        if not isinstance(value, Mapping):
            raise MalformedRule("no rule")
        not_in: Any = value.get("not_in", [])
        try:
            rule = cls(
                int(value["min_length"]),
                int(value["max_length"]),
                Alphabet(value["alphabet"]),
                tuple(not_in),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise MalformedRule("a field of the rule") from error
        if not 1 <= rule.min_length <= rule.max_length <= LONGEST:
            raise MalformedRule("its lengths")
        if not all(isinstance(each, str) for each in rule.not_in):
            raise MalformedRule("not_in")
        return rule

    def refusal(self, passcode: str, *, current: str | None = None) -> PasscodeRefusal | None:
        """Say why ``passcode`` may not be chosen; ``None`` when it may.

        Args:
            current: the passcode that it replaces, where one is known.
        """
        if len(passcode) < self.min_length:
            return PasscodeRefusal.TOO_SHORT
        if len(passcode) > self.max_length:
            return PasscodeRefusal.TOO_LONG
        if not all(map(self._allows, passcode)):
            return PasscodeRefusal.CHARACTERS
        if current is not None and passcode == current:
            return PasscodeRefusal.NOT_NEW
        folded = passcode.casefold()
        if len(set(folded)) == 1:
            return PasscodeRefusal.ALL_THE_SAME
        if _is_run(folded):
            return PasscodeRefusal.RUN
        if any(folded in each.casefold() for each in self.not_in):
            return PasscodeRefusal.YOUR_NUMBER
        return None

    def _allows(self, character: str) -> bool:
        if self.alphabet is Alphabet.DIGITS:
            return character in "0123456789"
        return "!" <= character <= "~"


def _is_run(text: str) -> bool:
    """Whether each character follows the one before it, all upwards or all downwards."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps in ({1}, {-1})
