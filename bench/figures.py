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


@dataclass(frozen=True)
class Compared:
    """How long something takes and its floor, in ms, measured in turns."""

    value: float
    floor: float


def median_ms(times: Iterable[float]) -> float:
    """Return the median of durations in seconds, in milliseconds."""
    return statistics.median(times) * 1000


def p95_ms(times: Sequence[float]) -> float:
    """Return the duration that 95 of 100 do not exceed, in milliseconds."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1] * 1000


def side_by_side(
    work: Callable[[], float | None],
    floor: Callable[[], float | None],
    rounds: int,
    *,
    warm_up: int = 5,
) -> tuple[list[float], list[float]]:
    """Time ``work`` and ``floor`` in turns, so that whatever else happens here hits both.

    What returns a number is timed by itself: that many seconds.
    """
    for _ in range(warm_up):
        work()
        floor()
    pairs = [(_duration(work), _duration(floor)) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def compared(
    work: Callable[[], float | None],
    floor: Callable[[], float | None],
    rounds: int,
    *,
    blocks: int = 10,
) -> Compared:
    """Return the medians of ``work`` and ``floor``, taken in turns.

    The ratio is the median of those of the blocks: what disturbs one of them does not count.
    """
    times, floors = side_by_side(work, floor, rounds)
    size = rounds // blocks
    parts = [slice(at * size, (at + 1) * size) for at in range(blocks)]
    ratios = [statistics.median(times[p]) / statistics.median(floors[p]) for p in parts]
    least = median_ms(floors)
    return Compared(statistics.median(ratios) * least, least)


def _duration(work: Callable[[], float | None]) -> float:
    started = time.perf_counter()
    own = work()
    return time.perf_counter() - started if own is None else own


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
    """Keep figures as a list, each with its conditions; what was not measured now stays."""
    machine = (
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {platform.system()}, "
        f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )
    new = {figure.name: _entry(figure, machine) for figure in figures}
    file.parent.mkdir(parents=True, exist_ok=True)
    old = json.loads(file.read_text()) if file.exists() else []
    kept = {entry["name"]: entry for entry in old}
    file.write_text(json.dumps(list((kept | new).values()), indent=2, ensure_ascii=False) + "\n")


def _entry(figure: Figure, machine: str) -> dict[str, object]:
    entry = {name: value for name, value in asdict(figure).items() if name != "goal_in_words"}
    conditions = f"{figure.conditions}; goal: {figure.goal_in_words}; {machine}"
    return entry | {"met": figure.met, "conditions": conditions}
