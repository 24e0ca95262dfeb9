"""A measured figure, and how it is written down."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """What was measured, beside its floor: the same work done by nothing but what it needs.

    ``goal`` is in the same unit; ``goal_in_words`` says how it follows from the floor.
    """

    name: str
    value: float
    unit: str
    floor: float | None
    goal: float
    goal_in_words: str
    conditions: str

    @property
    def met(self) -> bool:
        return self.value <= self.goal


def median_ms(times: Iterable[float]) -> float:
    """Return the median of durations in seconds, in milliseconds."""
    return statistics.median(times) * 1000


def durations(work: Callable[[], object], rounds: int, *, warm_up: int = 5) -> list[float]:
    """Do ``work`` again and again, and return how long each round took, in seconds."""
    for _ in range(warm_up):
        work()
    return [_duration(work) for _ in range(rounds)]


def side_by_side(
    work: Callable[[], object], floor: Callable[[], object], rounds: int, *, warm_up: int = 5
) -> tuple[list[float], list[float]]:
    """Time ``work`` and ``floor`` in turns, so that whatever else happens here hits both."""
    for _ in range(warm_up):
        work()
        floor()
    pairs = [(_duration(work), _duration(floor)) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _duration(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def as_table(figures: Sequence[Figure]) -> str:
    """Write figures for a person."""
    rows = [("what", "measured", "floor", "goal", "met")]
    for figure in figures:
        floor = "" if figure.floor is None else f"{figure.floor:.2f} {figure.unit}"
        goal = f"{figure.goal:.2f} {figure.unit} ({figure.goal_in_words})"
        measured = f"{figure.value:.2f} {figure.unit}"
        rows.append((figure.name, measured, floor, goal, "yes" if figure.met else "NO"))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def write_down(figures: Sequence[Figure], file: Path) -> None:
    """Keep figures with what they were measured on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processors": os.cpu_count(),
            "load": os.getloadavg()[0],
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "figures": [asdict(figure) | {"met": figure.met} for figure in figures],
    }
    file.write_text(json.dumps(kept, indent=2) + "\n")
