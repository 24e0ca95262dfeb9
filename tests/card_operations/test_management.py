"""Management authentication: the server's arithmetic against the virtual card's own."""

import pytest

from app.card_operations import management
from app.card_operations.management import ManagementKey, ManagementRefused
from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.piv.errors import WrongManagementKey
from reader_bridge.piv.management import ALGORITHMS
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import Behaviour
from reader_bridge.virtual.state import CardState


def card_with(algorithm: str, key: bytes) -> PivCard:
    state = CardState.blank(Behaviour(management_algorithm=algorithm))
    state.management_key = key
    card = PivCard(CardConnection(VirtualCard(state)))
    card.select()
    return card


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_card_and_server_prove_the_key_to_one_another(algorithm: str) -> None:
    key = ManagementKey.random(algorithm)
    card = card_with(algorithm, key.key)
    named, witness = card.open_management()
    assert named == algorithm
    made = management.answer(key, witness)
    response = card.answer_management(algorithm, made.answer, made.challenge)
    management.check(key, made.challenge, response)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_without_the_key_neither_believes_the_other(algorithm: str) -> None:
    key, wrong = ManagementKey.random(algorithm), ManagementKey.random(algorithm)
    card = card_with(algorithm, key.key)
    _, witness = card.open_management()
    made = management.answer(wrong, witness)
    with pytest.raises(WrongManagementKey):
        card.answer_management(algorithm, made.answer, made.challenge)
    with pytest.raises(ManagementRefused):
        management.check(wrong, made.challenge, key.encrypt(made.challenge))


@pytest.mark.parametrize("witness", [b"", b"1234567", bytes(32)])
def test_a_witness_is_one_block(witness: bytes) -> None:
    with pytest.raises(ManagementRefused):
        management.answer(ManagementKey.random("AES128"), witness)


def test_a_key_is_as_long_as_its_algorithm_wants() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ManagementKey("AES256", bytes(16))


def test_a_printed_key_shows_nothing_of_itself() -> None:
    key = ManagementKey.random("AES256")
    assert repr(key) == "<ManagementKey AES256>"


def test_no_two_keys_and_no_two_parts_of_a_3des_key_are_alike() -> None:
    key = ManagementKey.random("3DES").key
    assert len({key[0:8], key[8:16], key[16:24]}) == 3
    assert key != ManagementKey.random("3DES").key
