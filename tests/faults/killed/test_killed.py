"""Server and bridge as the programs that they are, killed in the middle of every operation.

Nothing is handed in here: SIGKILL comes at a moment of the time that the operation takes,
everything is started again, and people go on as the pages tell them to. Every other one stays on
the page, which waits for a server that comes back; the others close it and open it again.
"""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.faults.killed.agent import Erasing, Issuing, Repairing, Unlocking
from tests.faults.killed.course import Course
from tests.faults.killed.holder import ChangingPasscode, Renewing, UnlockingAlone
from tests.faults.killed.operation import Operation
from tests.faults.killed.place import PROGRAMS, Place, a_place
from tests.faults.truth import nothing_is_lost

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

MOST_ATTEMPTS = 8
OPERATIONS = (
    ChangingPasscode,
    Renewing,
    UnlockingAlone,
    Unlocking,
    Issuing,
    Repairing,
    Erasing,
)


@pytest.fixture(scope="module")
def place(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("killed") / "instance"
    with a_place(folder, shared_folder / "prepared-service") as place:
        yield place


def in_place(place: Place, kind: type[Operation], *, patient: bool) -> Operation:
    place.go_back()
    operation = kind(place, patient=patient)
    operation.ready()
    return operation


def measured(place: Place, kind: type[Operation]) -> Course:
    """How an operation goes that nothing cuts."""
    if kind.name not in place.courses:
        operation = in_place(place, kind, patient=True)
        operation.browser.at_work.clear()
        begun = time.monotonic()
        assert operation.tried(operation.begin), operation.why
        takes = time.monotonic() - begun
        at_work = [(start - begun, end - begun) for start, end in operation.browser.at_work]
        place.courses[kind.name] = Course(takes, at_work)
        must_be_good(operation)
    return place.courses[kind.name]


def begun_and_killed(operation: Operation, killed: str, after: float) -> float | None:
    """Kill a program while the operation is under way. Says what it took where it was quicker.

    Whoever stays on the page has the program back at once; the others when they have given up.
    """
    place, patient = operation.place, operation.browser.patient
    begun = time.monotonic()
    # Not the programs in a thread: each ends with the thread that started it
    with ThreadPoolExecutor(1) as people:
        doing = people.submit(operation.tried, operation.begin)
        doing_ends: list[float] = []
        doing.add_done_callback(lambda _: doing_ends.append(time.monotonic()))
        time.sleep(after)
        was_done = doing.done()
        place.kill(killed)
        if patient:
            place.start_again(killed)
        doing.result()
    if not patient:
        place.start_again(killed)
    return doing_ends[0] - begun if was_done else None


@pytest.mark.parametrize("killed", PROGRAMS)
@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: kind.name)
def test_an_operation_survives_programs_that_are_killed(
    place: Place, kind: type[Operation], killed: str
) -> None:
    course = measured(place, kind)
    missed = 0
    for number, moment in enumerate(course.moments(kind.kills)):
        patient = number % 2 == 0
        after = moment * course.pace
        operation = in_place(place, kind, patient=patient)
        quicker = begun_and_killed(operation, killed, after)
        if quicker is not None:
            course.was_quicker(quicker)
            missed += 1
        recovered(operation, f"{killed} killed after {after:.2f} s", same_page=patient)
    log.info("%s, %s: %d kills, %d of them too late", kind.name, killed, kind.kills, missed)
    assert missed <= kind.kills // 2, "the programs were killed when everything was done"


def recovered(operation: Operation, moment: str, *, same_page: bool) -> None:
    """Go on until the operation is done, and hold everything against everything."""
    story = [moment, operation.why]
    for number in range(MOST_ATTEMPTS):
        nothing_is_lost(operation.books, operation.card.name)
        if operation.is_reached():
            break
        stays = number % 2 == 1 or (same_page and number == 0)
        operation.tried(partial(operation.go_on, same_page=stays))
        story.append(operation.why)
        if operation.misled:
            break
    told = "\n  ".join(story)
    log.info("%s: %s", operation.name, told)
    assert operation.is_reached(), told
    assert not operation.misled, told
    must_be_good(operation)


def must_be_good(operation: Operation) -> None:
    operation.check()
    operation.books.must_be_in_order()
    operation.browser.leave()
