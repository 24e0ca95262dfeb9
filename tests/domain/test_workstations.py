"""What can be decided about a PC, and how install codes are typed and kept."""

from datetime import timedelta

import pytest

from app.domain import install_codes
from app.domain.errors import TransitionRefused
from app.domain.install_codes import ALPHABET, CodeState, digest, written
from app.domain.statuses import WorkstationStatus
from app.domain.workstations import TRANSITIONS, WorkstationEvent, next_status, possible
from tests.parts.clock import START

S, E = WorkstationStatus, WorkstationEvent


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("event", E)
def test_what_is_not_in_the_table_is_refused(status, event):
    if (status, event) in TRANSITIONS:
        assert next_status(status, event) is TRANSITIONS[status, event]
        assert event in possible(status)
        return
    assert event not in possible(status)
    with pytest.raises(TransitionRefused) as refusal:
        next_status(status, event)
    assert (refusal.value.status, refusal.value.event) == (status, event)


def test_a_pc_that_was_blocked_has_to_be_enrolled_again():
    assert next_status(next_status(S.ENROLLED, E.BLOCK), E.UNBLOCK) is S.SEEN


def test_no_blocked_pc_is_enrolled_at_one_stroke():
    assert (S.BLOCKED, E.ENROL) not in TRANSITIONS


@pytest.mark.parametrize(
    "typed", ["7K3M-0P1Q", "7k3m0p1q", " 7K3M 0P1Q ", "7K3M-OPIQ", "7k3m-opLq"]
)
def test_a_code_is_the_same_however_it_is_typed(typed):
    assert digest(typed) == digest("7K3M0P1Q")


def test_another_code_is_another():
    assert digest("7K3M0P1Q") != digest("7K3M0P1R")


def test_no_letter_of_a_code_is_taken_for_a_digit():
    assert not set("ILOU") & set(ALPHABET)
    assert len(ALPHABET) == 32


def test_a_code_is_written_in_groups():
    assert written("7K3M0P1QAAAABBBBCCCC") == "7K3M-0P1Q-AAAA-BBBB-CCCC"


@pytest.mark.parametrize(
    ("used", "seconds", "withdrawn", "expected"),
    [
        (0, -1, False, CodeState.GOOD),
        (1, -1, False, CodeState.GOOD),
        (2, -1, False, CodeState.USED_UP),
        (0, 0, False, CodeState.EXPIRED),
        (2, 0, False, CodeState.USED_UP),
        (2, 0, True, CodeState.WITHDRAWN),
    ],
)
def test_a_code_is_good_until_its_last_use_its_last_second_or_its_withdrawal(
    used, seconds, withdrawn, expected
):
    assert (
        install_codes.state(
            uses=2,
            used=used,
            expires_at=START,
            withdrawn_at=START if withdrawn else None,
            now=START + timedelta(seconds=seconds),
        )
        is expected
    )
