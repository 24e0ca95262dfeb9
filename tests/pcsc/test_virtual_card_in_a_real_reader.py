"""The virtual card through PC/SC's own daemon and its virtual reader driver."""

import pytest

from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.piv.errors import CardRemoved, NotAuthenticated
from reader_bridge.piv.objects import CCC
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS, Behaviour, Tear
from reader_bridge.virtual.state import CardState, new_card
from tests.parts.cards import PASSCODE, authenticate

ALL_DIFFERENT = ("default", "plain-standard", "lenient", "token")


@pytest.fixture
def card_file(tmp_path):
    path = tmp_path / "card.json"
    new_card(path, serial=7)
    return path


def seen_by(program, reader):
    program.connect(reader)
    return PivCard(CardConnection(program))


def test_there_are_two_readers_and_each_sees_its_own_card(private_pcscd, start, tmp_path):
    program = start()
    readers = [private_pcscd.reader(slot) for slot in (0, 1)]
    assert program.readers() == readers
    for slot, label in ((0, "first"), (1, "second")):
        path = tmp_path / f"{label}.json"
        new_card(path, behaviour="default" if slot else "digits-63c0")
        private_pcscd.insert(slot, path)
    atrs = [program.wait(reader, present=True) for reader in readers]
    assert atrs[0] == VirtualCard.load(tmp_path / "first.json").atr
    assert atrs[1] == VirtualCard.load(tmp_path / "second.json").atr


def test_a_card_that_is_taken_out_is_gone_and_may_come_back(private_pcscd, start, card_file):
    program, reader = start(), private_pcscd.reader(0)
    private_pcscd.insert(0, card_file)
    card = seen_by(program, reader)
    card.select()
    private_pcscd.remove(0)
    with pytest.raises(CardRemoved):
        card.passcode_tries_left()
    program.wait(reader, present=False)
    private_pcscd.insert(0, card_file)
    assert seen_by(start(), reader).select()


@pytest.mark.parametrize("name", ALL_DIFFERENT)
def test_keys_objects_and_secrets_work_through_a_reader(private_pcscd, start, tmp_path, name):
    path = tmp_path / "card.json"
    state = new_card(path, behaviour=name)
    private_pcscd.insert(0, path)
    card = seen_by(start(), private_pcscd.reader(0))
    card.select()
    authenticate(card, state.management_key)
    card.generate("9c", "RS256")
    card.write_certificate("9c", bytes(2900))
    assert card.read_certificate("9c") == bytes(2900)
    card.verify(PASSCODE)
    assert len(card.sign("9c", "RS256", b"message")) == 256
    assert "9c" in CardState.load(path).keys


def test_extended_length_passes_through_the_reader(private_pcscd, start, tmp_path):
    path = tmp_path / "card.json"
    state = new_card(path, behaviour="extended")
    private_pcscd.insert(0, path)
    program = start()
    program.connect(private_pcscd.reader(0))
    card = PivCard(CardConnection(program, extended=True))
    card.select()
    authenticate(card, state.management_key)
    card.write_certificate("9a", bytes(2900))
    assert card.read_certificate("9a") == bytes(2900)


def managed(card):
    try:
        card.write_object(CCC, b"\x01")
    except NotAuthenticated:
        return False
    return True


def test_a_second_program_inherits_what_was_proven_until_the_card_is_reset(
    private_pcscd, start, card_file
):
    private_pcscd.insert(0, card_file)
    first, second = start(), start()
    reader = private_pcscd.reader(0)
    mine, theirs = seen_by(first, reader), seen_by(second, reader)
    mine.select()
    authenticate(mine, CardState.load(card_file).management_key)
    mine.generate("9a", "ES256")
    mine.verify(PASSCODE)
    assert managed(theirs)
    theirs.sign("9a", "ES256", b"not yours")

    first.begin()
    first.end(reset=True)
    second.reconnect()
    theirs.select()
    assert not managed(theirs)
    with pytest.raises(NotAuthenticated):
        theirs.sign("9a", "ES256", b"not yours")


@pytest.mark.parametrize(("reset", "left"), [(True, 3), (False, None)])
def test_a_disconnect_leaves_the_passcode_verified_unless_it_resets(
    private_pcscd, start, tmp_path, reset, left
):
    path = tmp_path / "card.json"
    new_card(path, behaviour=Behaviour(metadata=False))
    private_pcscd.insert(0, path)
    first, second = start(), start()
    reader = private_pcscd.reader(0)
    mine, theirs = seen_by(first, reader), seen_by(second, reader)
    mine.select()
    mine.verify(PASSCODE)
    first.disconnect(reset=reset)
    if reset:
        second.reconnect()
        theirs.select()
    assert theirs.passcode_tries_left() == left  # a verified card does not say


def test_a_card_that_tears_itself_out_is_gone_from_the_reader(private_pcscd, start, tmp_path):
    path = tmp_path / "card.json"
    new_card(path, behaviour=Behaviour(tear=Tear(3, takes_effect=True)))
    private_pcscd.insert(0, path)
    program, reader = start(), private_pcscd.reader(0)
    card = seen_by(program, reader)
    card.select()
    card.passcode_tries_left()
    with pytest.raises(CardRemoved):
        card.verify("999999")
    program.wait(reader, present=False)
    again = CardState.load(path)
    assert again.passcode.left == 2
    assert again.behaviour == BEHAVIOURS["default"]


def test_the_daemon_may_be_restarted_under_its_programs(private_pcscd, start, card_file):
    start().readers()
    private_pcscd.restart()
    private_pcscd.insert(0, card_file)
    assert seen_by(start(), private_pcscd.reader(0)).select()
