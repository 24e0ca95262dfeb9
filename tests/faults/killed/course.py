"""How an operation goes when nothing stops it, and the moments at which its programs are killed."""

from collections.abc import Sequence
from dataclasses import dataclass

SOONER = 0.8  # of the time that an operation took which ended before its kill


@dataclass
class Course:
    """Seconds from its beginning: when it was done, and from when to when cards were at work.

    ``pace`` is how long it takes now, compared with when it was measured.
    """

    takes: float
    at_work: Sequence[tuple[float, float]]
    pace: float = 1.0

    def moments(self, kills: int) -> list[float]:
        """One half spread over all of it, the other half over what the cards do."""
        over_all = kills // 2
        work = [(number + 0.5) / (kills - over_all) for number in range(kills - over_all)]
        return [self.takes * (number + 0.5) / over_all for number in range(over_all)] + [
            self._at_work(part) for part in work
        ]

    def was_quicker(self, takes: float) -> None:
        """It ended in this time before its program was killed: the next kill comes sooner."""
        self.pace = SOONER * takes / self.takes

    def _at_work(self, part: float) -> float:
        """When this part of the cards' work is done."""
        left = part * sum(end - begin for begin, end in self.at_work)
        for begin, end in self.at_work:
            if left <= end - begin:
                return begin + left
            left -= end - begin
        return self.takes
