"""Codes: how they are typed, and how long they count."""

from datetime import timedelta

import pytest
from hypothesis import given

from app.domain.one_time_code import (
    CodeRefused,
    CodeState,
    CodeTimes,
    Ended,
    new_code,
    written,
)
from tests.parts.clock import START
from tests.parts.properties import TEXTS

MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)


def test_codes_have_six_digits_and_differ() -> None:
    codes = {new_code() for _ in range(200)}
    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in codes)
    assert len(codes) > 190


@pytest.mark.parametrize(
    "typed", ["042137", " 042 137 ", "042-137", "042\u00a0137", "０４２１３７"]
)
def test_a_code_may_be_typed_with_spaces(typed: str) -> None:
    assert written(typed) == "042137"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "code-missing"),
        (" \t", "code-missing"),
        ("42137", "code-malformed"),
        ("0421377", "code-malformed"),
        ("O42137", "code-malformed"),
        ("²42137", "code-malformed"),
    ],
)
def test_what_cannot_be_a_code_is_no_guess(typed: str, reason: str) -> None:
    with pytest.raises(CodeRefused) as refusal:
        written(typed)
    assert refusal.value.reason == reason


@given(TEXTS)
def test_whatever_is_typed_is_a_code_or_refused(typed: str) -> None:
    try:
        code = written(typed)
    except CodeRefused:
        return
    assert code.isascii()
    assert (code.isdigit(), len(code)) == (True, 6)


def test_fifteen_minutes_are_counted_from_when_the_mail_server_took_it() -> None:
    taken = START + 10 * MINUTE
    code = CodeTimes(created_at=START, delivered_at=taken)
    assert code.valid_until == START + 25 * MINUTE
    assert code.state(taken) is CodeState.SENT
    assert code.state(taken + 15 * MINUTE - TICK) is CodeState.SENT
    assert code.state(taken + 15 * MINUTE) is CodeState.EXPIRED


def test_a_code_that_no_mail_server_takes_is_given_up_after_an_hour() -> None:
    code = CodeTimes(created_at=START)
    assert code.valid_until is None
    assert code.state(START + 60 * MINUTE - TICK) is CodeState.SENDING
    assert code.state(START + 60 * MINUTE) is CodeState.GIVEN_UP


@pytest.mark.parametrize("by", Ended)
def test_what_has_ended_stays_so(by: Ended) -> None:
    state = CodeTimes(created_at=START, delivered_at=START, ended_by=by).state(START)
    assert state.value == by.value
    assert not state.may_be_typed


def test_a_code_may_be_typed_while_it_is_on_its_way_and_while_it_lasts() -> None:
    assert {state for state in CodeState if state.may_be_typed} == {
        CodeState.SENDING,
        CodeState.SENT,
    }
