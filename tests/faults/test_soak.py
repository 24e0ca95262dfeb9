"""The full matrix: every cut, every way to go on, every make of card, both kinds of keys."""

import pytest

from reader_bridge.contract import Algorithm
from reader_bridge.virtual.behaviour import BEHAVIOURS
from tests.faults.matrix import Bench, Share
from tests.faults.scenarios import SCENARIOS
from tests.faults.test_cuts import all_recovered

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

RUNS = 100


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("operation", SCENARIOS)
def test_every_cut_is_recovered_in_every_way(
    bench: Bench, operation: str, algorithm: Algorithm
) -> None:
    share = Share(operation, algorithm=algorithm)
    all_recovered(bench.every_cut(share, all_ways=True))


@pytest.mark.parametrize("behaviour", sorted(set(BEHAVIOURS) - {"default"}))
@pytest.mark.parametrize("operation", SCENARIOS)
def test_every_cut_is_recovered_on_every_make_of_card(
    bench: Bench, operation: str, behaviour: str
) -> None:
    all_recovered(bench.every_cut(Share(operation, behaviour)))


@pytest.mark.parametrize("operation", SCENARIOS)
def test_many_runs_of_cuts_in_a_row_are_recovered(bench: Bench, operation: str) -> None:
    all_recovered(bench.in_a_row(Share(operation), "soak", RUNS))
