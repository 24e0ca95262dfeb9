"""Requests: every state meets every event, and who may act on which kind."""

import pytest

from app.domain.errors import TransitionRefused
from app.domain.requests import (
    AWAITING,
    CARRIED_OUT_WITH,
    OPEN_STATES,
    TRANSITIONS,
    RequestEvent,
    RequestKind,
    RequestState,
    next_state,
)
from app.domain.roles import Permission, Role, permissions_of

RA = {Role.RA_MANAGER, Role.ADVANCED_RA_AGENT, Role.RA_AGENT}


@pytest.mark.parametrize("event", RequestEvent)
@pytest.mark.parametrize("state", RequestState)
def test_a_move_that_is_not_in_the_table_is_refused_with_its_facts(state, event):
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(TransitionRefused) as error:
            next_state(state, event)
        assert (error.value.status, error.value.event) == (state, event)


@pytest.mark.parametrize("state", RequestState)
def test_what_is_over_never_moves_again_and_all_else_can_still_be_ended(state):
    moves = {to for (at, _), to in TRANSITIONS.items() if at is state}
    assert bool(moves) is (not state.is_over)
    if not state.is_over:
        assert RequestState.CANCELLED in moves


def test_a_draft_waits_for_its_author_and_for_nobody_else():
    assert {RequestState.DRAFT} == OPEN_STATES - AWAITING


def test_every_kind_names_what_carries_it_out():
    assert set(CARRIED_OUT_WITH) == set(RequestKind)


@pytest.mark.parametrize("kind", RequestKind)
@pytest.mark.parametrize("role", sorted(RA))
def test_the_registration_authority_carries_out_every_kind(role, kind):
    assert {CARRIED_OUT_WITH[kind], Permission.DECIDE_REQUEST} <= permissions_of(role)


def test_nobody_else_decides_on_requests():
    assert all(Permission.DECIDE_REQUEST not in permissions_of(r) for r in {None, *Role} - RA)
