"""Unlocking a card without an agent, in a browser with instant typing, against the card's own time.

From the pressed Start button to the drawn confirmation, but for the time in which the code is
mailed and read.
"""

import time

from playwright.sync_api import expect

from bench.card_time import SPEEDS, spoken
from bench.figures import Figure
from bench.installed import whole_service
from bench.unlock import unlocked
from bench.watched import at_rest, took
from tests.parts.at_the_centre import NADIA, AtTheCentre
from tests.parts.cards import Speed
from tests.parts.service import Service
from tests.parts.visitor import NEW, Visitor

ROUNDS = 5
MOST_ABOVE_CARD_AND_MAIL = 3000.0  # ms


def measure() -> list[Figure]:
    with whole_service() as service:
        return [with_card(service, name, speed) for name, speed in SPEEDS.items()]


def with_card(service: Service, name: str, speed: Speed) -> Figure:
    value, floor = unlocked(service, NADIA, NEW, speed, one_unlock, rounds=ROUNDS)
    return Figure(
        name=f"unlock without an agent, card {name}",
        value=value,
        unit="ms",
        floor=floor,
        goal=floor + MOST_ABOVE_CARD_AND_MAIL,
        goal_in_words=f"the card's own time + {MOST_ABOVE_CARD_AND_MAIL:.0f} ms",
        conditions=(
            f"median of {ROUNDS}, Chromium, from Start to the drawn confirmation without the time "
            f"of the mail, instant typing, 3 questions: P-256 virtual card{spoken(speed)}, SQLite, "
            "one worker"
        ),
    )


def one_unlock(visitor: Visitor) -> float:
    """Take all steps; return how long they took without the mail, in seconds."""
    holder = AtTheCentre(visitor.page, visitor.service)
    holder.insert()
    visitor.page.goto("/service-centre/unlock")
    start = visitor.page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_visible()
    at_rest(visitor.page)
    began = time.perf_counter()
    start.click()
    holder.answer()
    expect(visitor.page.locator("input[name=code]")).to_be_visible()
    until_the_mail = time.perf_counter() - began
    code = holder.mailed_code()
    began = time.perf_counter()
    holder.enter_code(code)
    holder.choose_passcode(NEW)
    took(visitor.page)
    return until_the_mail + time.perf_counter() - began
