"""No pulled card, lost answer or stopped server ever costs a person their card.

Every operation is cut before and after each of its commands, at each answer, and before and after
each commit; then people go on as the service tells them to. What must be true at the end is in
``truth``.
"""

import pytest

from reader_bridge.virtual.behaviour import BEHAVIOURS
from tests.faults.matrix import Bench, Share, Tally, shares
from tests.faults.scenarios import SCENARIOS

# How many tests share the cuts of an operation
PARTS = {"issue": 5, "renew": 3, "repair": 3, "erase": 4}
SEED = "2026"
HERE = [name for name in SCENARIOS if name != "repair-changed"]  # `make cuts` does that one too
pytestmark = pytest.mark.timeout(600)  # many operations each, on a machine that may be busy
SHARES = [share for name in HERE for share in shares(name, PARTS.get(name, 1))]


def all_recovered(tally: Tally) -> None:
    assert tally.total
    assert not tally.failed, "\n\n".join(tally.failed)


@pytest.mark.parametrize("share", SHARES, ids=str)
def test_an_operation_cut_anywhere_leaves_a_card_that_works(bench: Bench, share: Share) -> None:
    all_recovered(bench.every_cut(share))


@pytest.mark.parametrize("behaviour", sorted(set(BEHAVIOURS) - {"default"}))
def test_every_make_of_card_survives_a_cut_at_each_of_its_commands(
    bench: Bench, behaviour: str
) -> None:
    all_recovered(bench.each_command(behaviour))


@pytest.mark.parametrize("operation", HERE)
def test_two_or_three_cuts_in_a_row_are_recovered_too(bench: Bench, operation: str) -> None:
    all_recovered(bench.in_a_row(Share(operation), SEED, runs=4))
