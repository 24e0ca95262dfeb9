"""The settings themselves."""

from dataclasses import replace

import pytest

from reader_bridge.piv import pin
from reader_bridge.virtual.behaviour import BEHAVIOURS
from tests.parts.cards import (
    in_hand,
    virtual_card,
)


def test_what_a_named_behaviour_differs_in_survives_its_file():
    for behaviour in BEHAVIOURS.values():
        assert type(behaviour).from_settings(behaviour.as_settings()) == behaviour


def test_a_setting_that_no_card_has_is_an_error():
    with pytest.raises(ValueError, match="colour"):
        type(BEHAVIOURS["default"]).from_settings({"colour": "blue"})


def test_the_probe_for_tries_is_no_try_even_when_repeated():
    card = in_hand(virtual_card())
    assert {pin.tries_left(card._connection) for _ in range(10)} == {3}


def test_default_and_its_copies_differ_in_one_thing_each():
    default = BEHAVIOURS["default"]
    assert replace(BEHAVIOURS["no-metadata"], metadata=True) == default
