import json
import stat

import pytest

from reader_bridge.piv import objects
from reader_bridge.piv.errors import PinBlocked, WrongPin
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS
from reader_bridge.virtual.state import CardState, new_card
from tests.parts.cards import PASSCODE, authenticate, in_hand


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "card.json"
    new_card(path, label="Jo Bloggs", serial=7)
    return path


def test_what_was_done_to_a_card_is_there_when_it_is_put_in_again(path):
    virtual = VirtualCard.load(path)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    public_key = card.generate("9e", "ES256")
    card.write_certificate("9a", b"certificate")
    card.set_management_key("AES128", bytes(range(16)))
    card.change_passcode(PASSCODE, "new!")
    with pytest.raises(WrongPin):
        card.change_puk("99999999", "87654321")

    again = VirtualCard.load(path)
    card = in_hand(again)
    assert (again.state.label, card.serial()) == ("Jo Bloggs", "7")
    assert card.read_certificate("9a") == b"certificate"
    card.sign("9e", "ES256", b"")
    card.verify("new!")
    assert card.puk_tries_left() == 2
    authenticate(card, bytes(range(16)))
    assert public_key != card.generate("9e", "ES256")


def test_a_wrong_try_is_counted_in_the_file_before_it_is_answered(path):
    card = in_hand(VirtualCard.load(path))
    with pytest.raises(WrongPin):
        card.verify("999999")
    assert json.loads(path.read_text())["passcode"]["left"] == 2


def test_a_question_changes_nothing_in_the_file(path):
    before = path.stat().st_mtime_ns
    card = in_hand(VirtualCard.load(path))
    card.passcode_tries_left()
    card.read_chuid()
    card.verify(PASSCODE)
    assert path.stat().st_mtime_ns == before


def test_only_its_owner_may_read_a_card(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    VirtualCard.load(path).state.lock_passcode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_card_and_nothing_else(path, monkeypatch):
    virtual = VirtualCard.load(path)
    before = path.read_text()
    virtual.state.label = object()  # not to be written as JSON
    with pytest.raises(TypeError):
        virtual.state.save()
    assert path.read_text() == before
    assert [file.name for file in path.parent.iterdir()] == ["card.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "label": "x"}', "not json"]
)
def test_a_file_that_is_no_card_is_refused(tmp_path, text):
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        CardState.load(path)


def test_a_locked_card_is_locked(path):
    virtual = VirtualCard.load(path)
    virtual.state.lock_passcode()
    with pytest.raises(PinBlocked):
        in_hand(VirtualCard.load(path)).verify(PASSCODE)


def test_the_guid_of_a_card_is_the_one_that_it_tells(path):
    state = CardState.load(path)
    assert in_hand(VirtualCard(state)).read_chuid().guid == state.guid
    state.objects[objects.CHUID] = b"\x34\x10damaged"
    assert state.guid is None
    del state.objects[objects.CHUID]
    assert state.guid is None


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_card_of_every_behaviour_survives_its_file(tmp_path, name):
    made = new_card(tmp_path / "card.json", behaviour=name)
    read = CardState.load(tmp_path / "card.json")
    assert vars(read)["behaviour"] == BEHAVIOURS[name]
    assert read.guid == made.guid
    assert read.management_key == made.management_key


def test_nothing_of_a_card_is_printed():
    printed = repr(CardState.blank(BEHAVIOURS["default"]))
    assert "123456" not in printed
    assert "313233" not in printed
