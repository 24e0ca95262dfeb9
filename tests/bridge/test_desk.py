"""The card desk: virtual cards into virtual readers, only where the settings allow it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.parts import work
from tests.parts.bridge import (
    READER_1,
    READER_2,
    Page,
    TicketOffice,
    bridge_settings,
    running_bridge,
)
from tests.parts.issued import PASSCODE

Message = dict[str, Any]


def desk(page: Page, action: str, **fields: Any) -> Message:
    answer = page.ask("desk", action=action, **fields)
    assert "ok" in answer, answer
    content: Message = answer["ok"]
    return content


def test_the_desk_lists_readers_and_cards(page, make_card):
    one, two = make_card("one"), make_card("two")
    content = desk(page, "list")
    assert content["readers"] == [
        {"reader": READER_1, "card": None},
        {"reader": READER_2, "card": None},
    ]
    assert [(card["card"], card["guid"], card["reader"]) for card in content["cards"]] == [
        ("one", one.guid, None),
        ("two", two.guid, None),
    ]
    assert content["cards"][0]["passcode_left"] == 3


def test_a_card_is_put_in_and_taken_out(page, issued):
    content = desk(page, "insert", card="one", reader=READER_2)
    assert content["readers"][1] == {"reader": READER_2, "card": "one"}
    assert page.until_event("card-inserted")["reader"] == READER_2
    content = desk(page, "remove", reader=READER_2)
    assert content["readers"][1] == {"reader": READER_2, "card": None}
    assert page.until_event("card-removed")["reader"] == READER_2


def test_a_reader_that_is_empty_may_be_emptied(page):
    assert desk(page, "remove", reader=READER_1)["readers"][0]["card"] is None


def test_a_card_is_in_one_reader_at_a_time(page, issued):
    desk(page, "insert", card="one", reader=READER_1)
    content = desk(page, "insert", card="one", reader=READER_2)
    assert [reader["card"] for reader in content["readers"]] == [None, "one"]


def test_a_card_that_was_locked_at_the_desk_is_locked(page, office, issued):
    desk(page, "insert", card="one", reader=READER_1)
    [card] = desk(page, "lock", card="one")["cards"]
    assert card["passcode_left"] == 0
    answer = page.step(office, page.read_card(), [work.sign()], passcode=PASSCODE)
    assert answer["error"] == {"code": "passcode-locked"}


def test_a_card_keeps_what_it_was_told_in_another_reader(page, office, issued):
    desk(page, "insert", card="one", reader=READER_1)
    page.step(office, page.read_card(), [work.sign()], passcode="Wrong1!")
    desk(page, "insert", card="one", reader=READER_2)
    assert page.read_card(READER_2)["passcode_left"] == 2


@pytest.mark.parametrize(
    ("action", "fields", "code"),
    [
        ("insert", {"card": "one", "reader": "No such reader"}, "no-reader"),
        ("insert", {"card": "none", "reader": READER_1}, "unsupported"),
        ("insert", {"card": "../bridge", "reader": READER_1}, "unsupported"),
        ("insert", {"card": "/etc/passwd", "reader": READER_1}, "unsupported"),
        ("insert", {"card": "", "reader": READER_1}, "unsupported"),
        ("insert", {"reader": READER_1}, "unsupported"),
        ("remove", {"reader": "No such reader"}, "no-reader"),
        ("lock", {"card": "none"}, "unsupported"),
        ("burn", {}, "unsupported"),
        (None, {}, "unsupported"),
    ],
)
def test_what_the_desk_cannot_do_changes_nothing(page, issued, action, fields, code):
    desk(page, "insert", card="one", reader=READER_2)
    assert page.ask("desk", action=action, **fields)["error"] == {"code": code}
    assert [r["card"] for r in desk(page, "list")["readers"]] == [None, "one"]


def test_a_file_that_is_no_card_is_not_on_the_desk(page, issued, tmp_path):
    (tmp_path / "cards" / "notes.json").write_text("{}")
    assert [card["card"] for card in desk(page, "list")["cards"]] == ["one"]


def test_where_there_is_no_desk_nobody_moves_a_card(tmp_path, office: TicketOffice):
    settings = bridge_settings(tmp_path, office.jwk)
    settings = replace(settings, virtual=replace(settings.virtual, desk=False))
    with running_bridge(settings) as bridge, bridge.page() as page:
        assert page.claims["capabilities"] == ["virtual"]
        for action in ("list", "insert", "remove", "lock"):
            answer = page.ask("desk", action=action, card="one", reader=READER_1)
            assert answer["error"] == {"code": "unsupported"}


def test_a_card_that_is_missing_at_the_start_leaves_its_reader_empty(tmp_path, office):
    settings = bridge_settings(tmp_path, office.jwk)
    virtual = replace(settings.virtual, inserted={READER_1: "nowhere"})
    with running_bridge(replace(settings, virtual=virtual)) as bridge, bridge.page() as page:
        assert page.ask("read-card", reader=READER_1)["error"] == {"code": "no-card"}
