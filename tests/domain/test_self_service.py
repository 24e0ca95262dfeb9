"""Self-service: the steps of each change, approved domains, who may unlock."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config as settings
from app.domain.one_time_code import Ended, Purpose
from app.domain.security_questions import FEWEST_ASKED, MOST_ASKED, USUALLY_ASKED
from app.domain.self_service import (
    MOST_FAILURES,
    USUAL_DOMAINS,
    Change,
    Mode,
    Standing,
    WizardStep,
    approved,
    steps,
)
from tests.parts.properties import TEXTS

P, Q, E, C = WizardStep


@pytest.mark.parametrize(
    ("change", "mode", "expected"),
    [
        (Change.REGISTER, Mode.QUESTIONS_AND_CODE, [P, Q, E, C]),
        (Change.REGISTER, Mode.CODE, [P, E, C]),
        (Change.QUESTIONS, Mode.QUESTIONS_AND_CODE, [P, Q]),
        (Change.QUESTIONS, Mode.CODE, []),
        (Change.EMAIL, Mode.QUESTIONS_AND_CODE, [P, E, C]),
        (Change.EMAIL, Mode.CODE, [P, E, C]),
        *((change, Mode.OFF, []) for change in Change),
    ],
)
def test_the_steps_of_a_change(change: Change, mode: Mode, expected: list[WizardStep]) -> None:
    assert steps(change, mode) == expected


@pytest.mark.parametrize(
    "email",
    [
        "ada@nhs.net",
        "ada@NHS.NET",
        "ada@south.nhs.net",
        "ada@a.b.c.gov.uk",
        "ada@northmere.nhs.uk.",
        "zoë@nhs.uk",
        '"ada@home"@mod.uk',
        "ada@ｎｈｓ.net",
        "ada@nhs。net",
        "ada@zoë.nhs.uk",
        "ada@xn--zo-jja.nhs.uk",
    ],
)
def test_an_address_at_or_under_an_approved_domain_is_approved(email: str) -> None:
    assert approved(email, USUAL_DOMAINS)


@pytest.mark.parametrize(
    "email",
    [
        "ada@xnhs.net",
        "ada@nhs.net.example",
        "ada@nhs.network",
        "ada@net",
        "ada@uk",
        "ada",
        "@nhs.net",
        "ada@",
        '"ada@nhs.net"@example.org',
        "ada@nhs.net@example.org",
        "ada@nhs.net\x00.example",
        "ada@ nhs.net",
        "ada@nhs.net\n",
        "ada@.nhs.net",
        "ada@a..nhs.net",
        "ada@nhs..net",
        "ada@[127.0.0.1]",
        "ada@[nhs.net]",
        "ada@nhs.net:25",
        "ada@n\u200bhs.net",
        "ada@nһs.net",  # a Cyrillic letter
        "ada@" + "x" * 64 + ".nhs.net",
    ],
)
def test_any_other_address_is_not(email: str) -> None:
    assert not approved(email, USUAL_DOMAINS)


def test_internationalised_domains_of_the_setting_count_by_labels_too() -> None:
    assert approved("ada@spital.xn--mnchen-3ya.example", ["münchen.example"])
    assert approved("ada@MÜNCHEN.example", ["xn--mnchen-3ya.example"])
    assert not approved("ada@example", ["münchen.example", "", ".", "not a domain"])


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_nothing_is_approved_where_no_domain_is(text: str, domains: list[str]) -> None:
    assert not approved(text, [])
    assert approved(f"a@{text}", domains) in (True, False)


def test_a_block_or_three_failures_end_unlocking_in_every_mode() -> None:
    for mode, failures, blocked in itertools.product(Mode, range(5), (False, True)):
        standing = Standing(registered=True, has_questions=True, failures=failures, blocked=blocked)
        expected = mode is not Mode.OFF and not blocked and failures < MOST_FAILURES
        assert standing.may_unlock(mode) is expected


@pytest.mark.parametrize(
    ("registered", "has_questions", "modes"),
    [
        (False, False, []),
        (False, True, []),
        (True, False, [Mode.CODE]),
        (True, True, [Mode.QUESTIONS_AND_CODE, Mode.CODE]),
    ],
)
def test_whoever_has_no_questions_cannot_unlock_where_they_are_asked(
    registered: bool, has_questions: bool, modes: list[Mode]
) -> None:
    standing = Standing(
        registered=registered, has_questions=has_questions, failures=0, blocked=False
    )
    assert [mode for mode in Mode if standing.may_unlock(mode)] == modes


def test_the_settings_know_the_modes_the_domains_and_how_many_are_asked() -> None:
    assert list(Mode) == list(settings.SELF_SERVICE_MODES)
    usual = settings.Testing()
    assert usual.APPROVED_MAIL_DOMAINS == USUAL_DOMAINS
    assert usual.SECURITY_QUESTIONS_ASKED == USUALLY_ASKED
    assert tuple(range(FEWEST_ASKED, MOST_ASKED + 1)) == settings.QUESTIONS_ASKED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SELF_SERVICE_MODE", "codes"),
        ("SECURITY_QUESTIONS_ASKED", "1"),
        ("SECURITY_QUESTIONS_ASKED", "5"),
        ("APPROVED_MAIL_DOMAINS", "nhs.net http://nhs.uk"),
        ("APPROVED_MAIL_DOMAINS", "@nhs.net"),
    ],
)
def test_settings_of_self_service_that_make_no_sense_are_refused(name: str, value: str) -> None:
    with pytest.raises(settings.ConfigurationError, match=name):
        settings.Development({name: value})


def test_settings_of_self_service_are_read() -> None:
    made = settings.Development(
        {"SELF_SERVICE_MODE": "Code", "APPROVED_MAIL_DOMAINS": "nhs.scot, nhs.wales"}
    )
    assert made.SELF_SERVICE_MODE == "code"
    assert made.APPROVED_MAIL_DOMAINS == ("nhs.scot", "nhs.wales")


def test_the_words_for_what_ended_a_code_and_for_whom_it_is_are_short() -> None:
    assert all(len(word) <= 12 for word in (*Ended, *Purpose))
