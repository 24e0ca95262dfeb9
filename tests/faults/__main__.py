"""`make cuts`: every operation is cut everywhere, and a table tells what came of it.

    python -m tests.faults [--all] [--runs N] [--seed TEXT] [operation ...]

Without ``--all`` people go on after each cut in one of three ways, in turn; with it, after each in
all three, on every make of card and with both algorithms. ``--runs`` is how often each operation
is cut two or three times in a row.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from reader_bridge.contract import Algorithm
from reader_bridge.virtual.behaviour import BEHAVIOURS
from tests.faults.matrix import COLUMNS, Bench, Share, Tally
from tests.faults.scenarios import SCENARIOS
from tests.faults.world import World, a_world

PARTS = 8


@dataclass(frozen=True)
class Job:
    """What one process does at a time."""

    share: Share
    all_ways: bool
    runs: int
    seed: str


def jobs(chosen: argparse.Namespace) -> list[Job]:
    makes = [("default", Algorithm.ES256)]
    if chosen.all:
        makes = [(name, key) for name in BEHAVIOURS for key in Algorithm]
    return [
        Job(Share(operation, name, key, part, PARTS), chosen.all, chosen.runs, chosen.seed)
        for name, key in makes
        for operation in chosen.operations or SCENARIOS
        for part in range(PARTS)
    ]


@dataclass
class Worker:
    """What a process of the pool keeps as long as it lives: a world, opened and never closed."""

    opened: AbstractContextManager[World]
    bench: Bench


_here: list[Worker] = []


def _begin(folder: str) -> None:
    logging.disable(logging.CRITICAL)
    opened = a_world(Path(tempfile.mkdtemp(dir=folder)))
    _here.append(Worker(opened, Bench(opened.__enter__())))


def _work(job: Job) -> Tally:
    bench = _here[0].bench
    tally = bench.every_cut(job.share, all_ways=job.all_ways)
    runs = len(range(job.share.part, job.runs, PARTS))
    tally.add(bench.in_a_row(job.share, job.seed, runs))
    return tally


def table(tally: Tally) -> Iterable[str]:
    """The table by operation, and the line that counts."""
    yield f"{'operation':<16}" + "".join(f"{name:>16}" for name in (*COLUMNS, "recovered"))
    for operation in SCENARIOS:
        made = [tally.made[operation, column] for column in COLUMNS]
        recovered = sum(made) - tally.failed_of(operation)
        if sum(made):
            row = [*map(str, made), f"{recovered} of {sum(made)}"]
            yield f"{operation:<16}" + "".join(f"{each:>16}" for each in row)
    yield f"cuts: {tally.total} made, {tally.total - len(tally.failed)} recovered"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make cuts")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--seed", default="2026")
    parser.add_argument("operations", nargs="*", metavar="operation")
    chosen = parser.parse_args()
    unknown = set(chosen.operations) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such operation: {', '.join(sorted(unknown))}")
    tally = Tally()
    with (
        tempfile.TemporaryDirectory(prefix="cuts-") as folder,
        ProcessPoolExecutor(initializer=_begin, initargs=(folder,)) as processes,
    ):
        for done in processes.map(_work, jobs(chosen)):
            tally.add(done)
    for failed in tally.failed:
        sys.stdout.write(f"{failed}\n\n")
    sys.stdout.write("\n".join(table(tally)) + "\n")
    sys.exit(bool(tally.failed))


if __name__ == "__main__":
    main()
