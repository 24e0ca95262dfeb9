"""Whether a new passcode may be chosen: asked before the card is touched, and never by the server.

The server decides the numbers and sends them with the ticket; it never sees a passcode.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

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
        try:
            alphabet = Alphabet(str(value.get("alphabet")))
        except ValueError as error:
            raise MalformedRule("alphabet") from error
        shortest, longest = value.get("min_length"), value.get("max_length")
        if not (isinstance(shortest, int) and isinstance(longest, int)):
            raise MalformedRule("its lengths")
        if not 1 <= shortest <= longest <= LONGEST:
            raise MalformedRule("its lengths")
        not_in = value.get("not_in", [])
        if not isinstance(not_in, list) or not all(isinstance(each, str) for each in not_in):
            raise MalformedRule("not_in")
        return cls(shortest, longest, alphabet, tuple(not_in))

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
