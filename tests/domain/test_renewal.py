"""When certificates may be renewed: both edges of the window, and the day outside each."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of, end_of, start_of
from app.domain.renewal import (
    Renewal,
    RenewalWindow,
    expiry_from,
    not_after,
    renewal_state,
    renewals_after,
)

LAST = date(2027, 6, 1)
DAY = timedelta(days=1)
DAYS = st.dates(date(2020, 1, 1), date(2060, 1, 1))


def state(on: date, *, renewals: int = 0, status: CardStatus = CardStatus.ISSUED):
    return renewal_state(status=status, expires_on=LAST, self_renewals_in_row=renewals, today=on)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2027, 3, 2), Renewal.NOT_YET),
        (date(2027, 3, 3), Renewal.OPEN),
        (date(2027, 5, 31), Renewal.OPEN),
        (LAST, Renewal.OPEN),
        (LAST + DAY, Renewal.EXPIRED),
    ],
)
def test_the_window_opens_90_days_before_expiry_and_closes_with_it(on, expected):
    assert state(on).state is expected


def test_a_closed_window_says_when_it_opens():
    closed = state(date(2027, 1, 1))
    assert (closed.opens_on, closed.days_left) == (date(2027, 3, 3), 151)


@pytest.mark.parametrize(
    ("renewals", "expected"),
    [(0, Renewal.OPEN), (1, Renewal.OPEN), (2, Renewal.ASSISTED), (3, Renewal.ASSISTED)],
)
def test_every_third_renewal_needs_the_registration_authority(renewals, expected):
    found = state(LAST, renewals=renewals)
    assert found.state is expected
    assert found.may_be_assisted
    assert found.should_remind


def test_an_assisted_renewal_starts_the_count_again():
    assert [renewals_after(n, assisted=False) for n in (0, 1)] == [1, 2]
    assert renewals_after(2, assisted=True) == 0


def test_an_expired_card_is_nobody_s_to_renew_however_often_it_was():
    for renewals in (0, 2):
        expired = state(LAST + DAY, renewals=renewals, status=CardStatus.EXPIRED)
        assert expired.state is Renewal.EXPIRED
        assert not expired.may_be_assisted
        assert not expired.may_self_renew


@pytest.mark.parametrize(
    "status", [s for s in CardStatus if s not in (CardStatus.ISSUED, CardStatus.EXPIRED)]
)
def test_only_an_issued_card_is_renewed(status):
    refused = state(LAST, status=status)
    assert refused.state is Renewal.NOT_ISSUED
    assert refused.status is status


def test_a_card_without_an_expiry_is_not_renewed():
    found = renewal_state(
        status=CardStatus.ISSUED, expires_on=None, self_renewals_in_row=0, today=LAST
    )
    assert found.state is Renewal.NOT_ISSUED


@given(DAYS, st.integers(-200, 200))
def test_the_window_has_91_days(expires_on, offset):
    on = expires_on + timedelta(days=offset)
    assert RenewalWindow(expires_on).is_open(on) is (-90 <= offset <= 0)


@given(DAYS)
def test_not_after_is_the_last_second_of_the_day_of_expiry_in_london(day):
    assert day_of(not_after(day)) == day
    assert day_of(not_after(day) + timedelta(seconds=1)) == day + DAY


@given(DAYS)
def test_a_day_in_london_begins_where_the_one_before_has_ended(day):
    assert start_of(day + DAY) - end_of(day) == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2027, 6, 1, 22, 59, 59, tzinfo=UTC), date(2027, 6, 1)),
        (datetime(2027, 6, 1, 23, 0, tzinfo=UTC), date(2027, 6, 2)),  # summer time: midnight
        (datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2027, 1, 2, 0, 0, tzinfo=UTC), date(2027, 1, 2)),
    ],
)
def test_the_day_is_london_s(moment, day):
    assert day_of(moment) == day


def test_a_naive_moment_has_no_day():
    with pytest.raises(ValueError, match="naive"):
        day_of(datetime(2027, 6, 1, 12))  # noqa: DTZ001 - that is the point


def test_certificates_live_730_days_from_the_day_of_issue():
    assert expiry_from(datetime(2026, 11, 23, 9, tzinfo=UTC)) == date(2028, 11, 22)
