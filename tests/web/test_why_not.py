"""Every reason for which a service of a card is not available has a sentence of its own."""

from datetime import date

import pytest
from flask import Flask

from app.domain.card_services import CardService, WhyNot
from app.domain.roles import Role
from app.domain.self_service_help import HelpWhyNot

FACTS = {
    "roles": (Role.RA_AGENT, Role.SPONSOR, Role.LOCAL_ADMINISTRATOR),
    "opens_on": date(2027, 3, 4),
    "expires_on": date(2027, 6, 2),
    "doing": "renew",
}


REASONS = sorted({*map(str, WhyNot), *map(str, HelpWhyNot)})


def said(app: Flask, reason: str, **facts: object) -> str:
    words = app.jinja_env.get_template("components/why_not.html").module
    return str(words.why_not(reason, FACTS | facts)).strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_a_whole_sentence(app: Flask, reason: str) -> None:
    sentence = said(app, reason)
    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_no_two_reasons_read_alike(app: Flask) -> None:
    sentences = [said(app, reason) for reason in REASONS]
    assert len(set(sentences)) == len(sentences)


def test_a_window_that_opens_later_names_the_day(app: Flask) -> None:
    assert said(app, WhyNot.NOT_YET) == "Opens on 4 March 2027, 90 days before expiry."


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ((Role.RA_AGENT,), "Needs the role RA Agent."),
        (
            FACTS["roles"],
            "Needs the role RA Agent, Sponsor or Local Smartcard Administrator.",
        ),
    ],
)
def test_a_role_that_is_missing_is_named(
    app: Flask, roles: tuple[Role, ...], sentence: str
) -> None:
    assert said(app, WhyNot.NEEDS_ROLE, roles=roles) == sentence


@pytest.mark.parametrize("doing", ["renew", "repair", "issue", "erase"])
def test_what_stands_still_is_named(app: Flask, doing: str) -> None:
    assert not said(app, WhyNot.BEING_CHANGED, doing=doing).startswith(" of")


def test_every_service_has_a_name(app: Flask) -> None:
    words = app.jinja_env.get_template("components/why_not.html").module
    assert set(words.SERVICES) == set(CardService)  # type: ignore[attr-defined]


def test_an_action_refused_by_the_same_rule_says_the_same(app: Flask) -> None:
    with app.test_request_context():
        words = app.jinja_env.get_template("errors/words.html").module
        facts = FACTS | {"service": CardService.RENEW}
        page = str(words.words(409, WhyNot.NOT_YET, facts))  # type: ignore[attr-defined]
    assert said(app, WhyNot.NOT_YET) in page
    assert "Renew certificates" in page
