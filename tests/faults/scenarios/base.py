"""What every scenario has: a moment from which it starts, attempts, and the truth at its end."""

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import ClassVar

from app.cli.bridge_page import BridgeSaidNo
from app.domain.errors import RuleBroken
from reader_bridge.contract import Algorithm
from reader_bridge.virtual.behaviour import Behaviour, named
from tests.faults.people import NotDone, Someone, patiently
from tests.faults.truth import nothing_is_lost
from tests.faults.world import Moment, World

MOST_ATTEMPTS = 8


class Way(StrEnum):
    """How a person goes on after a cut."""

    SAME_PAGE = "on the same page"
    RELOAD = "after a reload"
    ELSEWHERE = "on another PC"


class Scenario(ABC):
    """One operation on one make of card. ``attempt`` is the first try, and each that follows."""

    name: ClassVar[str]
    card = "one"

    def __init__(
        self,
        world: World,
        behaviour: str = "default",
        algorithm: Algorithm = Algorithm.ES256,
    ) -> None:
        self.world = world
        self.behaviour_name = behaviour
        self.behaviour: Behaviour = named(behaviour)
        self.algorithm = algorithm
        self.passcode = "482913" if self.behaviour.digits_only else "Blue7742"
        self.another = "739164" if self.behaviour.digits_only else "Green815"
        self._beginning: Moment | None = None
        self.who: Someone
        self.thorough = True  # whether the check may take as long as the operation itself
        self.why = ""  # the last attempt did not get through

    def go_to_start(self) -> None:
        """Everything as it is before the operation begins."""
        if self._beginning is None:
            self.world.go_back(self.world.nothing)
            self.prepare()
            self._beginning = self.world.moment()
        self.world.go_back(self._beginning)
        self.ready()

    @abstractmethod
    def prepare(self) -> None:
        """Make people and cards. Once."""

    @abstractmethod
    def ready(self) -> None:
        """Have everybody in place for the operation: nothing of this is cut."""

    @abstractmethod
    def attempt(self) -> None:
        """Do, or go on with, the operation, as far as a person gets.

        Raises:
            NotDone: it is not done.
            Lost, ServerStopped, RuleBroken: nor is it then.
        """

    def go_elsewhere(self) -> None:
        """Take the card to another PC, and begin there with nothing."""
        self.who.reload()
        self.who.sit_down("other")

    @abstractmethod
    def check(self) -> None:
        """Everything is as it should be at the end."""

    def check_between(self) -> None:
        """What must be true at any time."""
        nothing_is_lost(self.world, self.card)

    def tried(self) -> bool:
        """Make one attempt. Says whether the operation is done."""
        try:
            patiently(self.world, self.attempt)
        except (NotDone, RuleBroken, BridgeSaidNo) as error:
            self.why = f"{type(error).__name__}: {error}"
            return False
        return True

    def go_on(self, way: Way) -> None:
        if way is Way.RELOAD:
            self.who.reload()
        elif way is Way.ELSEWHERE:
            self.go_elsewhere()
