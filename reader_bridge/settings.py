"""What an administrator decides about this bridge: a TOML file.

```toml
origins = ["https://identity.example.nhs.uk"]   # exactly as the browser writes them
readers = "both"                                # "pcsc", "virtual" or "both"
first_port = 27500                              # takes the first free one of ten
state = "/var/lib/reader-bridge"                # holds the workstation's key
tick = 60                                       # seconds between two calls for a proof of presence

[[keys]]                                        # the server's ticket keys: current, and next
kty = "OKP"
crv = "Ed25519"
x = "..."

[virtual]
readers = ["Virtual reader 1", "Virtual reader 2"]
cards = "/var/lib/reader-bridge/cards"
desk = false                                    # whether a page may put cards in and take them out

[virtual.inserted]                              # which card is in which reader at the start
"Virtual reader 1" = "amina-khan"               # the name of the card's file, without .json
```
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from platformdirs import user_config_path, user_state_path

from reader_bridge import contract

NAME = "reader-bridge"


class SettingsError(Exception):
    """A setting that cannot be used. Its text is written for the administrator."""


class ReaderKinds(StrEnum):
    """Which readers the bridge offers."""

    VIRTUAL = "virtual"
    PCSC = "pcsc"
    BOTH = "both"


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds, and how many there may be. Tests have shorter ones."""

    hold_wait: float = contract.HOLD_WAIT_SECONDS
    hold_total: float = contract.HOLD_TOTAL_SECONDS
    key_generation: float = contract.KEY_GENERATION_SECONDS
    step: float = contract.STEP_SECONDS
    busy: float = 5  # how long to wait for a card that another program or page is using
    keep_alive: float = 2  # Windows resets a card whose transaction is idle for 5 s
    tick: float = 60
    connections: int = contract.MAX_CONNECTIONS
    requests: int = 16  # unanswered ones of one connection


@dataclass(frozen=True)
class VirtualReaders:
    """The readers that exist in software, and the folder of the cards that belong to them."""

    readers: tuple[str, ...] = ("Virtual reader 1", "Virtual reader 2")
    cards: Path | None = None
    desk: bool = False
    inserted: Mapping[str, str] = field(default_factory=dict)  # reader -> card, at the start


@dataclass(frozen=True)
class Settings:
    """Everything the bridge has been told."""

    origins: tuple[str, ...]
    keys: tuple[Mapping[str, Any], ...]  # public Ed25519 JWKs
    readers: ReaderKinds = ReaderKinds.PCSC
    first_port: int = contract.FIRST_PORT
    ports: int = contract.PORTS
    state: Path = field(default_factory=lambda: user_state_path(NAME))
    virtual: VirtualReaders = field(default_factory=VirtualReaders)
    limits: Limits = field(default_factory=Limits)

    @property
    def cards(self) -> Path:
        """The folder of the virtual cards' files."""
        return self.virtual.cards or self.state / "cards"


def default_file() -> Path:
    """Where the settings are looked for when no file is named."""
    return user_config_path(NAME) / "bridge.toml"


def checked_origin(text: object) -> str:
    """Return an origin in the very form in which a browser sends it.

    Raises:
        SettingsError: it is not one, or is written in another form, which would never match.
    """
    if not isinstance(text, str):
        raise SettingsError(f"an origin must be a text, not {text!r}")
    try:
        parts = urlsplit(text)
        default_port = parts.port == {"http": 80, "https": 443}.get(parts.scheme, -1)
    except ValueError as error:
        raise SettingsError(f"{text!r} is not an origin: {error}") from error
    is_origin = (
        parts.scheme in ("http", "https")
        and parts.hostname
        and not default_port
        and text == f"{parts.scheme}://{parts.netloc}"
        and text == text.lower()
        and text.isascii()
        and "@" not in text
        and "*" not in text
    )
    if not is_origin:
        raise SettingsError(
            f"{text!r} is not an origin as browsers write it: scheme, host and, unless it is the "
            'usual one, port, in lower case, with nothing after them, as in "https://id.example.org"'
        )
    return text


def checked_key(jwk: object) -> Mapping[str, Any]:
    """Return a server's public key.

    Raises:
        SettingsError: it is not a public Ed25519 key.
    """
    if not isinstance(jwk, dict):
        raise SettingsError("a key must be a table with kty, crv and x")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise SettingsError('a key must have kty = "OKP" and crv = "Ed25519"')
    if "d" in jwk:
        raise SettingsError("a key in the settings holds a private part (d); it must not be here")
    try:
        key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk.get("x", "")})
        named = {"kid": jwk["kid"]} if isinstance(jwk.get("kid"), str) else {}
        return {"kty": "OKP", "crv": "Ed25519", "x": str(key.as_dict(private=False)["x"]), **named}
    except (JoseError, ValueError, TypeError) as error:
        raise SettingsError(f"a key is not a public Ed25519 key: {error}") from error


def checked_port(port: object) -> int:
    """Return the first port of the range.

    Raises:
        SettingsError: the range cannot begin there.
    """
    if isinstance(port, bool) or not isinstance(port, int):
        raise SettingsError("first_port must be a number")
    if not (port == 0 or 1024 <= port <= 65536 - contract.PORTS):
        raise SettingsError("first_port must be from 1024 to 65526, or 0 for any free one")
    return port


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint by which a person compares a key and a ticket names it."""
    return OKPKey.import_key(dict(jwk)).thumbprint()


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{name} must be a table")
    return table


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise SettingsError(f"{name} must be a list of texts")
    if len(set(value)) != len(value):
        raise SettingsError(f"{name} names one thing twice")
    return tuple(value)


def _path(value: object, name: str) -> Path:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{name} must be the path of a folder")
    return Path(value).expanduser()


# The least and the most that may be set, in seconds: a service waits for the proofs of presence
# that depend on them.
_SECONDS = {"tick": (1, 60), "busy": (0.1, 15)}


def checked_seconds(name: str, seconds: object) -> float:
    """Return how long something may take that a setting of this name tells.

    Raises:
        SettingsError: it is no number, or out of bounds.
    """
    low, high = _SECONDS[name]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise SettingsError(f"{name} must be a number of seconds")
    if not low <= seconds <= high:
        raise SettingsError(f"{name} must be a number of seconds from {low} to {high}")
    return float(seconds)


_KNOWN = {"origins", "keys", "readers", "first_port", "state", *_SECONDS, "virtual"}
_KNOWN_VIRTUAL = {"readers", "cards", "desk", "inserted"}


def from_values(values: Mapping[str, Any]) -> Settings:
    """Build settings from the values of a TOML file.

    Raises:
        SettingsError: a value is missing, misspelt, or of the wrong kind.
    """
    virtual = _table(values, "virtual")
    unknown = set(values) - _KNOWN
    unknown |= {f"virtual.{name}" for name in set(virtual) - _KNOWN_VIRTUAL}
    if unknown:
        raise SettingsError(f"unknown settings: {', '.join(sorted(unknown))}")

    origins = tuple(checked_origin(each) for each in _texts(values.get("origins", []), "origins"))
    if not origins:
        raise SettingsError("origins is missing: which pages may use the cards of this PC?")
    keys = values.get("keys", [])
    if not isinstance(keys, list) or not keys:
        raise SettingsError("keys is missing: whose permission for card operations counts here?")

    try:
        readers = ReaderKinds(values.get("readers", ReaderKinds.PCSC))
    except ValueError as error:
        raise SettingsError('readers must be "pcsc", "virtual" or "both"') from error
    desk = virtual.get("desk", False)
    if not isinstance(desk, bool):
        raise SettingsError("virtual.desk must be true or false")

    settings = Settings(
        origins=origins,
        keys=tuple(checked_key(each) for each in keys),
        readers=readers,
        first_port=checked_port(values.get("first_port", contract.FIRST_PORT)),
        limits=Limits(
            tick=checked_seconds("tick", values.get("tick", Limits.tick)),
            busy=checked_seconds("busy", values.get("busy", Limits.busy)),
        ),
    )
    if "state" in values:
        settings = replace(settings, state=_path(values["state"], "state"))
    names = VirtualReaders.readers
    if "readers" in virtual:
        names = _texts(virtual["readers"], "virtual.readers")
    cards = _path(virtual["cards"], "virtual.cards") if "cards" in virtual else None
    inserted = _table(virtual, "inserted")
    if not all(isinstance(card, str) for card in inserted.values()):
        raise SettingsError("virtual.inserted must name a card for each reader")
    strangers = sorted(set(inserted) - set(names))
    if strangers:
        raise SettingsError(f"virtual.inserted names no virtual reader: {', '.join(strangers)}")
    return replace(
        settings,
        virtual=VirtualReaders(readers=names, cards=cards, desk=desk, inserted=dict(inserted)),
    )


def load(file: Path) -> Settings:
    """Read the settings file.

    Raises:
        SettingsError: there is no such file, it is not TOML, or a value cannot be used.
    """
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError as error:
        raise SettingsError(
            f"there is no settings file {file}; make one with "
            "python -m reader_bridge --server https://the-address-of-your-service"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error
    try:
        return from_values(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from error


def as_toml(settings: Settings) -> str:
    """The text of a settings file that says the same as ``settings``."""

    def quoted(value: object) -> str:
        return json.dumps(str(value), ensure_ascii=False)  # a JSON text is a TOML basic string

    def listed(values: tuple[str, ...]) -> str:
        return "[" + ", ".join(quoted(value) for value in values) + "]"

    lines = [
        f"origins = {listed(settings.origins)}",
        f"readers = {quoted(settings.readers)}",
        f"first_port = {settings.first_port}",
        f"state = {quoted(settings.state)}",
        f"tick = {settings.limits.tick:g}",
        f"busy = {settings.limits.busy:g}",
    ]
    for key in settings.keys:
        lines += ["", "[[keys]]", *(f"{name} = {quoted(value)}" for name, value in key.items())]
    lines += ["", "[virtual]", f"readers = {listed(settings.virtual.readers)}"]
    if settings.virtual.cards:
        lines.append(f"cards = {quoted(settings.virtual.cards)}")
    lines.append(f"desk = {'true' if settings.virtual.desk else 'false'}")
    if settings.virtual.inserted:
        lines += ["", "[virtual.inserted]"]
        lines += [
            f"{quoted(at)} = {quoted(card)}" for at, card in settings.virtual.inserted.items()
        ]
    return "\n".join(lines) + "\n"
