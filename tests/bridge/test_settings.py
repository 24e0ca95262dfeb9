"""The settings file: what it may say, and the words for what it may not."""

from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from reader_bridge import settings
from reader_bridge.settings import ReaderKinds, SettingsError

KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
GOOD: dict[str, Any] = {"origins": ["https://identity.test"], "keys": [KEY]}


def test_origins_and_keys_are_enough():
    read = settings.from_values(GOOD)
    assert read.origins == ("https://identity.test",)
    assert read.readers is ReaderKinds.PCSC
    assert read.first_port == 27500
    assert read.virtual.desk is False


def test_a_file_says_the_same_after_it_was_written_and_read(tmp_path: Path):
    values = {
        "origins": ["https://identity.test", "http://127.0.0.1:5000"],
        "keys": [KEY, {**KEY, "kid": "next"}],
        "readers": "both",
        "first_port": 30000,
        "state": str(tmp_path / 'a "quoted" folder'),
        "tick": 2.5,
        "busy": 0.5,
        "virtual": {
            "readers": ["Left", "Right"],
            "cards": str(tmp_path),
            "desk": True,
            "inserted": {"Left": "amina-khan"},
        },
    }
    first = settings.from_values(values)
    file = tmp_path / "bridge.toml"
    file.write_text(settings.as_toml(first), "utf-8")
    assert settings.load(file) == first


@pytest.mark.parametrize(
    "origin",
    [
        "https://identity.test/",
        "https://identity.test:443",
        "http://identity.test:80",
        "https://Identity.test",
        "identity.test",
        "ftp://identity.test",
        "https://*.identity.test",
        "https://user@identity.test",
        "https://identity.test/path",
        "https://identity.test?x",
        "https://",
        "null",
        "",
        7,
    ],
)
def test_an_origin_that_no_browser_would_send_is_named(origin):
    with pytest.raises(SettingsError):
        settings.from_values({**GOOD, "origins": [origin]})


@pytest.mark.parametrize("origin", ["https://identity.test:8443", "http://127.0.0.1:5000"])
def test_an_unusual_port_belongs_to_the_origin(origin):
    assert settings.from_values({**GOOD, "origins": [origin]}).origins == (origin,)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"origins": []}, "origins"),
        ({"origins": "https://identity.test"}, "origins"),
        ({"origins": ["https://a.test", "https://a.test"]}, "twice"),
        ({"keys": []}, "keys"),
        ({"keys": [{**KEY, "crv": "X25519"}]}, "crv"),
        ({"keys": [{**KEY, "x": "AAAA"}]}, "Ed25519"),
        ({"keys": [{**KEY, "d": "AAAA"}]}, "private"),
        ({"keys": ["key"]}, "table"),
        ({"readers": "some"}, "readers"),
        ({"first_port": 80}, "first_port"),
        ({"first_port": "27500"}, "first_port"),
        ({"first_port": True}, "first_port"),
        ({"first_port": 65530}, "first_port"),
        ({"state": ""}, "state"),
        ({"tick": 0.5}, "tick"),
        ({"tick": 61}, "tick"),
        ({"tick": "60"}, "tick"),
        ({"busy": 0}, "busy"),
        ({"busy": 16}, "busy"),
        ({"busy": True}, "busy"),
        ({"virtual": "yes"}, "virtual"),
        ({"virtual": {"desk": "yes"}}, "desk"),
        ({"virtual": {"readers": "one"}}, "readers"),
        ({"virtual": {"inserted": {"No such reader": "x"}}}, "No such reader"),
        ({"virtual": {"inserted": {"Virtual reader 1": 1}}}, "inserted"),
        ({"orgins": []}, "orgins"),
        ({"virtual": {"dask": True}}, "virtual.dask"),
    ],
)
def test_each_mistake_is_named(change, word):
    with pytest.raises(SettingsError, match=word):
        settings.from_values({**GOOD, **change})


def test_a_missing_file_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(SettingsError, match="--server"):
        settings.load(tmp_path / "none.toml")


def test_a_file_that_is_not_toml_is_named(tmp_path: Path):
    file = tmp_path / "bridge.toml"
    file.write_text("origins = [", "utf-8")
    with pytest.raises(SettingsError, match=r"bridge\.toml is not TOML"):
        settings.load(file)


def test_the_fingerprint_of_a_key_is_its_thumbprint():
    """RFC 8037, appendix A.3."""
    assert settings.thumbprint(KEY) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert OKPKey.import_key(KEY).thumbprint() == settings.thumbprint(KEY)
