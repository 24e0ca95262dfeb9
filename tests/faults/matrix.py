"""Which cuts are made: what `make test`, `make cuts` and `make soak` share."""

import random
from collections import Counter
from dataclasses import dataclass, field

from reader_bridge.contract import Algorithm
from tests.faults.cuts import CARD, Cut, Kind
from tests.faults.runner import Measured, NotRecovered, measure, recover
from tests.faults.scenarios import SCENARIOS
from tests.faults.scenarios.base import Scenario, Way
from tests.faults.world import World

WAYS = list(Way)
MOST_IN_A_ROW = 3
THOROUGH = 5  # every fifth cut is followed by the longer check, where there is one


@dataclass(frozen=True)
class Share:
    """One share of the cuts of one operation on one make of card."""

    operation: str
    behaviour: str = "default"
    algorithm: Algorithm = Algorithm.ES256
    part: int = 0
    of: int = 1

    def __str__(self) -> str:
        part = f" {self.part + 1} of {self.of}" if self.of > 1 else ""
        return f"{self.operation}, {self.behaviour}, {self.algorithm}{part}"


@dataclass
class Tally:
    """How many cuts were made and recovered, by operation and by what ended."""

    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[tuple[str, str]] = field(default_factory=list)  # operation, what happened

    def add(self, other: "Tally") -> None:
        self.made.update(other.made)
        self.failures += other.failures

    @property
    def failed(self) -> list[str]:
        return [story for _, story in self.failures]

    def failed_of(self, operation: str) -> int:
        return sum(each == operation for each, _ in self.failures)

    @property
    def total(self) -> int:
        return self.made.total()


@dataclass
class Bench:
    """The scenarios of one world, each prepared and measured once."""

    world: World
    _ready: dict[Share, tuple[Scenario, Measured]] = field(default_factory=dict)

    def at(self, share: Share) -> tuple[Scenario, Measured]:
        whole = Share(share.operation, share.behaviour, share.algorithm)
        if whole not in self._ready:
            scenario = SCENARIOS[share.operation](self.world, share.behaviour, share.algorithm)
            self._ready[whole] = (scenario, measure(scenario))
        return self._ready[whole]

    def every_cut(self, share: Share, *, all_ways: bool = False) -> Tally:
        """Each cut of this share; people go on in one way or another, or in all of them."""
        scenario, measured = self.at(share)
        tally = Tally()
        for number, cut in list(enumerate(measured.every_cut))[share.part :: share.of]:
            scenario.thorough = all_ways or number % THOROUGH == 0
            for way in WAYS if all_ways else [WAYS[number % len(WAYS)]]:
                self._make(tally, scenario, [cut], way)
        return tally

    def each_command(self, behaviour: str, algorithm: Algorithm = Algorithm.ES256) -> Tally:
        """One cut at each distinct command that any operation sends to this make of card."""
        tally = Tally()
        seen: set[str] = set()
        for operation in SCENARIOS:
            scenario, measured = self.at(Share(operation, behaviour, algorithm))
            for at, sent in enumerate(measured.commands, 1):
                command = sent.rsplit(".", sent.count(".") - 1)[0]  # whatever object it is about
                if command in seen:
                    continue
                seen.add(command)
                kind = CARD[len(seen) % len(CARD)]
                self._make(tally, scenario, [Cut(kind, at)], WAYS[at % len(WAYS)])
        return tally

    def in_a_row(self, share: Share, seed: str, runs: int) -> Tally:
        """Two or three cuts in a row, at random places of the operation."""
        scenario, measured = self.at(share)
        dice = random.Random(f"{seed} {share}")
        tally = Tally()
        for _ in range(runs):
            cuts = [dice.choice(measured.every_cut) for _ in range(dice.randint(2, MOST_IN_A_ROW))]
            self._make(tally, scenario, cuts, dice.choice(WAYS))
        return tally

    def _make(self, tally: Tally, scenario: Scenario, cuts: list[Cut], way: Way) -> None:
        column = _column(cuts[0].kind) if len(cuts) == 1 else SEVERAL
        tally.made[scenario.name, column] += 1
        try:
            recover(scenario, cuts, way)
        except NotRecovered as error:
            story = f"{scenario.behaviour_name}, {scenario.algorithm}: {error}"
            tally.failures.append((scenario.name, story))


PULLED, LOST, STOPPED, SEVERAL = "card pulled", "answer lost", "server stopped", "several"
COLUMNS = (PULLED, LOST, STOPPED, SEVERAL)


def _column(kind: Kind) -> str:
    if kind in CARD:
        return PULLED
    return LOST if kind in (Kind.ANSWER_LOST, Kind.BRIDGE_GONE) else STOPPED


def shares(operation: str, of: int) -> list[Share]:
    return [Share(operation, part=part, of=of) for part in range(of)]
