"""The names that page, bridge and server share: one meaning each, and the same on every side."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from reader_bridge import contract, operations
from reader_bridge.contract import (
    Algorithm,
    Code,
    Command,
    Event,
    Outcome,
    PasscodeRefusal,
    Say,
    Slot,
    Stage,
    Typ,
)

STATIC = Path(__file__).resolve().parent.parent.parent / "app" / "static" / "js"
CLIENT = (STATIC / "bridge-client.js").read_text("utf-8")
SEARCH = (STATIC / "bridge-search.js").read_text("utf-8")
ENUMS = [
    kind
    for kind in vars(contract).values()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
]


def names_in(source: str, table: str) -> dict[str, str]:
    """The entries of ``export const TABLE = Object.freeze({NAME: "value", ...})``."""
    found = re.search(rf"export const {table} = Object\.freeze\(\{{(.*?)\}}\)", source, re.DOTALL)
    assert found, f"no {table}"
    return dict(re.findall(r'^\s*(\w+): "([^"]+)"', found[1], re.MULTILINE))


def value_in(source: str, name: str) -> str:
    found = re.search(rf"export const {name} = (.+);", source)
    assert found, f"no {name}"
    return found[1].strip('"')


@pytest.mark.parametrize(("table", "names"), [("Say", Say), ("Said", Event)])
def test_the_page_has_the_very_names_of_the_contract(table, names):
    assert names_in(CLIENT, table) == {each.name: each.value for each in names}


def test_the_page_looks_where_the_bridge_listens():
    assert value_in(CLIENT, "VERSION") == contract.VERSION
    assert value_in(SEARCH, "PATH") == contract.PATH
    assert value_in(SEARCH, "SUBPROTOCOL") == contract.SUBPROTOCOL
    assert int(value_in(SEARCH, "PORTS")) == contract.PORTS


def test_the_page_waits_longer_for_an_answer_than_the_longest_work_takes():
    found = re.search(r"SILENCE_MS = ([\d_]+)", CLIENT)
    assert found
    assert int(found[1]) / 1000 > contract.KEY_GENERATION_SECONDS


@pytest.mark.parametrize("names", ENUMS, ids=lambda names: names.__name__)
def test_a_name_has_one_meaning_and_one_spelling(names):
    values = [each.value for each in names.__members__.values()]
    assert len(set(values)) == len(values)
    if names is not Algorithm:
        for name, each in names.__members__.items():
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.value)
            if names is not Slot and names is not Typ:
                assert each.value == name.lower().replace("_", "-")


def test_every_command_can_be_carried_out():
    assert set(operations.HANDLERS) == set(Command)


@pytest.mark.parametrize("names", [Code, Command, Event, Outcome, Say, Stage])
def test_every_name_is_used_by_the_bridge(names):
    """A name that no code of the bridge speaks or hears is not part of the conversation."""
    root = Path(contract.__file__).parent
    source = "\n".join(
        file.read_text("utf-8") for file in root.rglob("*.py") if file.name != "contract.py"
    )
    unused = [each.name for each in names if f"{names.__name__}.{each.name}" not in source]
    assert unused == []


@pytest.mark.parametrize("refusal", list(PasscodeRefusal))
def test_the_page_has_words_for_each_refusal_of_a_passcode(refusal):
    words = STATIC.parent.parent / "templates" / "components" / "card_words.html"
    assert f'"{refusal}"' in words.read_text("utf-8")


def test_the_limits_fit_each_other():
    assert contract.HOLD_WAIT_SECONDS < contract.HOLD_TOTAL_SECONDS
    assert contract.KEY_GENERATION_SECONDS < contract.HOLD_TOTAL_SECONDS
    assert contract.STEP_SECONDS < contract.KEY_GENERATION_SECONDS
    assert contract.FIRST_PORT + contract.PORTS <= 65536
