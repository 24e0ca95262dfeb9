"""The settings: what the service refuses to start with, and where it reads secrets."""

from dataclasses import fields
from pathlib import Path

import pytest

import config as settings
from app.domain.session_rules import SessionLimits
from config import ConfigurationError, Development, Production

COMPLETE = {
    "SECRET_KEY": "s",
    "VAULT_KEY": "v",
    "TICKET_KEY": "t",
    "AUDIT_KEY": "a",
    "ISSUER_PASSPHRASE": "p",
    "PKI_FOLDER": "/srv/pki",
    "ORIGIN": "https://cards.example.org",
    "CONTACTS": settings.CONTACTS_EXAMPLE,
}


@pytest.mark.parametrize("name", [*settings.SECRETS, "PKI_FOLDER"])
def test_production_refuses_to_start_without_each_of_its_secrets_and_says_which(name: str) -> None:
    without = {key: value for key, value in COMPLETE.items() if key != name}
    with pytest.raises(ConfigurationError, match=name):
        Production(without)


def test_production_names_everything_that_is_missing_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        Production({"ORIGIN": "https://cards.example.org"})
    assert all(name in str(error.value) for name in (*settings.SECRETS, "CONTACTS"))


def test_production_needs_to_know_whom_people_call_and_shows_an_example() -> None:
    without = {key: value for key, value in COMPLETE.items() if key != "CONTACTS"}
    with pytest.raises(ConfigurationError, match="CONTACTS") as error:
        Production(without)
    assert Production({**without, "CONTACTS": settings.CONTACTS_EXAMPLE}).CONTACTS
    assert settings.CONTACTS_EXAMPLE in str(error.value)


def test_the_demonstration_s_numbers_are_nobody_s() -> None:
    without = {key: value for key, value in COMPLETE.items() if key != "CONTACTS"}
    contacts = Production({**without, "DEMONSTRATION": "on"}).CONTACTS
    assert contacts
    assert all(desk["telephone"].startswith("01134960") for desk in contacts["desks"])


def test_production_starts_with_its_secrets_and_keeps_the_session_cookie_to_https() -> None:
    production = Production(COMPLETE)
    assert production.SESSION_COOKIE_SECURE
    assert production.SESSION_COOKIE_NAME == "__Host-cis"
    assert production.TRUSTED_HOSTS == ["cards.example.org"]


def test_production_refuses_to_be_reached_without_https() -> None:
    with pytest.raises(ConfigurationError, match="https"):
        Production({**COMPLETE, "ORIGIN": "http://cards.example.org"})


def test_production_is_what_starts_when_nothing_was_chosen() -> None:
    with pytest.raises(ConfigurationError, match="Production"):
        settings.load({})


def test_a_token_is_named_in_full() -> None:
    named = {"PKCS11_MODULE": "/usr/lib/module.so", "PKCS11_TOKEN": "x", "PKCS11_PIN": "1234"}
    chosen = {**COMPLETE, "ISSUER": "pkcs11"}
    assert Production({**chosen, **named}).ISSUER == "pkcs11"
    for missing in named:
        with pytest.raises(ConfigurationError, match=missing):
            Production({**chosen, **{name: named[name] for name in named if name != missing}})


def test_certificates_may_name_an_address_without_tls() -> None:
    config = Production({**COMPLETE, "PKI_ORIGIN": "http://pki.example.org/"})
    assert config.PKI_ORIGIN == "http://pki.example.org"


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text("from the file\n")
    rest = {key: value for key, value in COMPLETE.items() if key != "VAULT_KEY"}
    assert Production({**rest, "VAULT_KEY_FILE": str(tmp_path / "vault")}).VAULT_KEY == (
        "from the file"
    )


def test_a_secret_s_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="VAULT_KEY_FILE"):
        Development({"VAULT_KEY_FILE": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CIS_CONFIG", "staging"),
        ("ORIGIN", "cards.example.org"),
        ("ORIGIN", "https://cards.example.org/path"),
        ("PKI_ORIGIN", "pki.example.org"),
        ("ISSUER", "somebody"),
        ("BRIDGE_PORT", "first"),
        ("SESSION_IDLE_SECONDS", "0"),
        ("SESSION_PRESENCE_SECONDS", "two minutes"),
        ("DEMONSTRATION", "perhaps"),
        ("CONTACTS", '{"desks": []}'),
        ("CONTACTS", "call us"),
        ("CONTACTS", '{"team": "RA", "desks": []}'),
        ("CONTACTS", '{"team": "RA", "email": "nobody", "desks": []}'),
        ("CONTACTS", '{"team": "RA", "email": null, "desks": []}'),
        ("CONTACTS", '{"team": "RA", "email": "zoë@nhs.net", "desks": []}'),
        ("MAIL_SENDER", "Care Identity Service"),
        ("MAIL_SENDER", "Zoë <zoë@nhs.net>"),
        ("MAIL_SENDER", ""),
        ("MAIL_TIMEOUT", "0"),
        ("MAIL_TIMEOUT", "soon"),
        ("MAIL_CA_FILE", "/nowhere/ca.pem"),
        ("MAIL_CA_FILE", __file__),
        (
            "CONTACTS",
            settings.CONTACTS_EXAMPLE.replace('"telephone"', '"email": "x", "telephone"'),
        ),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        settings.load({"CIS_CONFIG": "development", name: value})


@pytest.mark.parametrize(
    "sender", ["cards@nhs.net", "Café <cards@bücher.nhs.uk>", '"RA, Northmere" <ra@localhost>']
)
def test_mail_may_come_from_any_address_that_can_be_written(sender: str) -> None:
    made = Development({"MAIL_SENDER": sender})
    assert sender == made.MAIL_DEFAULT_SENDER


def test_each_limit_of_a_session_is_a_setting_of_its_own() -> None:
    limits = Development({"SESSION_IDLE_SECONDS": "600", "SESSION_TOTAL_SECONDS": ""})
    assert limits.SESSION_SECONDS == {"idle": 600}
    assert Development({}).SESSION_SECONDS == {}


def test_the_settings_name_limits_that_sessions_have() -> None:
    assert set(settings.SESSION_LIMITS) == {field.name for field in fields(SessionLimits)}
