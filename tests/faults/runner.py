"""Makes cuts: each from the scenario's start, and on until the operation is done."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.faults.cuts import Cut, every_cut
from tests.faults.scenarios.base import MOST_ATTEMPTS, Scenario, Way


@dataclass(frozen=True)
class Measured:
    """What an operation takes when nothing goes wrong."""

    commands: list[str]
    answers: int
    commits: int

    @property
    def every_cut(self) -> list[Cut]:
        return every_cut(len(self.commands), self.answers, self.commits)


class NotRecovered(AssertionError):
    """A person did not get through, or what is true at the end is not what should be."""


def measure(scenario: Scenario) -> Measured:
    """Do an operation without a cut."""
    scenario.go_to_start()
    world = scenario.world
    traces = {name: len(pc.trace) for name, pc in world.pcs.items()}
    world.arm(None, scenario.card)
    assert scenario.tried(), scenario.why
    commands = [name for pc, at in traces.items() for name in world.pcs[pc].trace[at:]]
    measured = Measured(commands, world.cutter.answers, world.cutter.commits)
    scenario.check_between()
    scenario.check()
    return measured


def recover(scenario: Scenario, cuts: Iterable[Cut], way: Way) -> None:
    """Make cuts, each in the attempt that follows the one before, and go on until all is done.

    Raises:
        NotRecovered: and says how far it came.
    """
    scenario.go_to_start()
    world = scenario.world
    story = []
    try:
        coming = list(cuts)
        for number in range(MOST_ATTEMPTS + len(coming)):
            if number:
                scenario.go_on(way)
            cut = coming.pop(0) if coming else None
            world.arm(cut, scenario.card)
            done = scenario.tried()
            story.append(f"{cut or 'no cut'}: {'done' if done else scenario.why}")
            world.cutter.let_go()
            scenario.check_between()
            if done:
                break
        else:
            raise NotRecovered("never done")
        scenario.check()
    except (Exception, AssertionError) as error:
        told = "\n  ".join(story)
        raise NotRecovered(f"{scenario.name}, {way}:\n  {told}\n  {error!r}") from error
