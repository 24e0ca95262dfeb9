"""Secrets on their way to the card: which one counts, and that none is left behind."""

from reader_bridge.secret import Secret, newer


def test_what_was_typed_now_takes_the_place_of_what_is_held_which_is_wiped():
    typed, held = Secret("typed"), Secret("held")
    assert newer(typed, held) is typed
    assert not held
    assert typed.reveal() == "typed"


def test_what_is_held_counts_where_nothing_was_typed():
    held = Secret("held")
    assert newer(None, held) is held
    assert newer(Secret(""), held) is held
    assert newer(held, held) is held
    assert held.reveal() == "held"
    assert newer(None, None) is None
