"""Which PUKs to try on a card, and in which order: what keeps a card from being blocked by retries.

A PUK is replaced by a *pending* one that was written down before it was sent. When the answer is
lost, the card has one of two: the *current* one or the pending one, and never a third. A wrong try
costs one of the card's few, and a right one gives them all back.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Puk(StrEnum):
    CURRENT = "current"
    PENDING = "pending"


@dataclass(frozen=True, kw_only=True)
class PukDoubt:
    """What is known of the PUK of one card, since the pending one was made.

    ``sent`` counts how often a change to the pending one has left. ``current_out`` and
    ``pending_out``: the card has said no to that value.
    """

    sent: int = 0
    current_out: bool = False
    pending_out: bool = False

    @property
    def unknown(self) -> bool:
        """Whether the card has neither: somebody else has changed its PUK."""
        return self.current_out and self.pending_out

    def candidates(self) -> list[Puk]:
        """Return what the next change is to try, in order.

        Before anything was sent the card has the current one. Then: the first current first, the
        second pending first, the third current first, and so on; what is ruled out, not at all.
        """
        if self.sent == 0 and not self.current_out:
            return [Puk.CURRENT]
        order = [Puk.CURRENT, Puk.PENDING] if self.sent % 2 == 0 else [Puk.PENDING, Puk.CURRENT]
        out = {Puk.CURRENT: self.current_out, Puk.PENDING: self.pending_out}
        return [each for each in order if not out[each]]

    def after_sending(self) -> "PukDoubt":
        """Return what is known once the change has left: from then on the card may have either."""
        pending_out = self.pending_out and self.current_out  # the current one was not sent
        return replace(self, sent=self.sent + 1, pending_out=pending_out)

    def after_refusal(self, refused: list[Puk]) -> "PukDoubt":
        """Return what is known once the card has said no to these, and to nothing else.

        A current value that was refused is never the card's again.
        """
        return replace(
            self,
            current_out=self.current_out or Puk.CURRENT in refused,
            pending_out=self.pending_out or Puk.PENDING in refused,
        )
