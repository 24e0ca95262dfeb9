"""Unlocking at Manage Smartcard in a browser, against the card's own time."""

from collections.abc import Callable

from bench.card_time import SPEEDS, BareCard, spoken
from bench.figures import Figure, median_ms
from bench.installed import whole_service
from bench.sign_in import without_terms
from bench.watched import press, watched_visitor
from tests.parts.cards import Speed, make_as_fast_as
from tests.parts.second_reader import LOCKED, NEW, Counter
from tests.parts.service import Service
from tests.parts.visitor import Visitor

ROUNDS = 8
MOST_ABOVE_THE_CARD = 300.0  # ms


def measure() -> list[Figure]:
    with whole_service() as service:
        return [with_card(service, name, speed) for name, speed in SPEEDS.items()]


def with_card(service: Service, name: str, speed: Speed) -> Figure:
    value, floor = unlocked(service, LOCKED, NEW, speed, one_unlock, rounds=ROUNDS)
    return Figure(
        name=f"unlock, card {name}",
        value=value,
        unit="ms",
        floor=floor,
        goal=floor + MOST_ABOVE_THE_CARD,
        goal_in_words=f"the card's own time + {MOST_ABOVE_THE_CARD:.0f} ms",
        conditions=(
            f"median of {ROUNDS}, Chromium, by an agent, from the button to the drawn confirmation:"
            f" P-256 virtual card{spoken(speed)}, SQLite, one worker"
        ),
    )


def unlocked(
    service: Service,
    card: str,
    new: str,
    speed: Speed,
    one: Callable[[Visitor], float],
    *,
    rounds: int,
) -> tuple[float, float]:
    """Unlock a card in a browser again and again, each time from the beginning.

    Return the medians in ms: what ``one`` has measured, and the bare card's time. The first round
    warms up and does not count.
    """
    file = service.installation.cards / f"{card}.json"
    times, floors = [], []
    for _ in range(rounds + 1):
        service.reset()
        without_terms(service)
        make_as_fast_as(file, speed)
        floors.append(BareCard(file, new).unlock())
        with watched_visitor(service) as visitor:
            times.append(one(visitor))
    return median_ms(times[1:]), median_ms(floors[1:])


def one_unlock(visitor: Visitor) -> float:
    counter = Counter(visitor)
    counter.open(LOCKED)
    counter.choose("Unlock")
    counter.type_new_passcode()
    return press(visitor.page, "Unlock")
