"""The life of a card: every status meets every event."""

from datetime import date, timedelta

import pytest

from app.domain.card_lifecycle import (
    TRANSITIONS,
    CardEvent,
    CardStatus,
    next_status,
    shown_status,
)
from app.domain.errors import TransitionRefused

EXPIRES = date(2027, 6, 1)
DAY = timedelta(days=1)


@pytest.mark.parametrize("event", CardEvent)
@pytest.mark.parametrize("status", CardStatus)
def test_a_move_that_is_not_in_the_table_is_refused_with_its_facts(status, event):
    if (status, event) in TRANSITIONS:
        assert next_status(status, event) is TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionRefused) as error:
            next_status(status, event)
        assert (error.value.status, error.value.event) == (status, event)


@pytest.mark.parametrize("event", CardEvent)
def test_a_cancelled_card_never_moves_again(event):
    assert TRANSITIONS.get((CardStatus.CANCELLED, event), CardStatus.CANCELLED) is (
        CardStatus.CANCELLED
    )


@pytest.mark.parametrize("status", [s for s in CardStatus if s is not CardStatus.EXPIRED])
def test_every_card_can_be_cancelled_once(status):
    possible = (status, CardEvent.CANCEL) in TRANSITIONS
    assert possible is (status is not CardStatus.CANCELLED)


def test_only_issuing_takes_a_card_out_of_the_box():
    leaving = {
        event
        for (status, event), to in TRANSITIONS.items()
        if status is CardStatus.BLANK and to is CardStatus.ISSUED
    }
    assert leaving == {CardEvent.ISSUE}


def test_expired_is_what_the_calendar_says_and_never_a_move():
    assert CardStatus.EXPIRED not in TRANSITIONS.values()
    assert CardStatus.EXPIRED not in {status for status, _ in TRANSITIONS}


@pytest.mark.parametrize(
    ("today", "shown"),
    [
        (EXPIRES - DAY, CardStatus.ISSUED),
        (EXPIRES, CardStatus.ISSUED),
        (EXPIRES + DAY, CardStatus.EXPIRED),
    ],
)
def test_a_card_is_shown_as_expired_from_the_day_after_its_last(today, shown):
    assert shown_status(CardStatus.ISSUED, EXPIRES, today=today) is shown


@pytest.mark.parametrize("status", [CardStatus.BLANK, CardStatus.SUSPENDED, CardStatus.CANCELLED])
def test_what_the_service_decided_outweighs_calendar_and_chip(status):
    assert shown_status(status, EXPIRES, today=EXPIRES + DAY, tries_left=0) is status


@pytest.mark.parametrize(
    ("stored", "tries_left", "shown"),
    [
        (CardStatus.ISSUED, None, CardStatus.ISSUED),
        (CardStatus.ISSUED, 0, CardStatus.LOCKED),
        (CardStatus.ISSUED, 1, CardStatus.ISSUED),
        (CardStatus.LOCKED, None, CardStatus.LOCKED),
        (CardStatus.LOCKED, 3, CardStatus.ISSUED),
    ],
)
def test_the_chip_knows_best_whether_it_is_locked(stored, tries_left, shown):
    assert shown_status(stored, EXPIRES, today=EXPIRES, tries_left=tries_left) is shown
