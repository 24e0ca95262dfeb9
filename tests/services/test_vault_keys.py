"""Changing the keys of the vault, on both databases: nothing is lost, whenever it stops."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, select

from app.card_operations import sealed
from app.card_operations.management import ManagementKey
from app.extensions import db
from app.models import Base, Card, CardOperation, Person
from app.services import keys, people, vault_keys
from app.services.vault_keys import COLUMNS, WrongKey
from app.vault import CannotOpen, Vault
from tests.parts.clock import START
from tests.parts.people import a_card, a_person

OLD, NEW, FOREIGN = (bytes([number]) * 32 for number in (1, 2, 3))
KEY = ManagementKey("AES192", bytes(range(24)))


pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def before(app: Flask) -> Iterator[Vault]:
    """The vault as it was when the rows were written."""
    kept, made = keys.vault(), Vault(OLD)
    app.extensions[keys.EXTENSION] = made
    yield made
    app.extensions[keys.EXTENSION] = kept


def a_sealed_card(vault: Vault) -> Card:
    card = a_card(a_person())
    sealed.keep_pending_puk(vault, card, "11111111")
    sealed.settle_puk(vault, card)
    sealed.keep_pending_puk(vault, card, "22222222")
    sealed.keep_management_key(vault, card, KEY)
    db.session.commit()
    return card


def a_person_with(nino: str) -> Person:
    person = a_person()
    people.seal_nino(person, nino)
    db.session.commit()
    return person


def must_open(vault: Vault, card: Card) -> None:
    db.session.refresh(card)
    assert sealed.current_puk(vault, card) == "11111111"
    assert sealed.pending_puk(vault, card) == "22222222"
    assert sealed.management_key(vault, card).key == KEY.key


def test_after_changing_the_key_everything_opens_with_the_new_one_alone(before: Vault) -> None:
    cards = [a_sealed_card(before) for _ in range(3)]
    person = a_person_with("QQ123456C")
    done = {each.name: each for each in vault_keys.rotate(Vault(NEW, OLD), batch=2)}
    alone = Vault(NEW)
    for card in cards:
        must_open(alone, card)
    db.session.refresh(person)
    assert person.nino_sealed is not None
    nino = alone.open(person.nino_sealed, table="person", column="nino_sealed", row=person.uuid)
    assert nino == b"QQ123456C"
    assert person.nino_index == alone.blind_index("nino", "QQ123456C")
    assert done["card.puk_sealed"].resealed == 3
    assert done["person.nino_sealed"].resealed == 1


def test_what_is_under_the_current_key_is_passed_over(before: Vault) -> None:
    card = a_sealed_card(before)
    both = Vault(NEW, OLD)
    list(vault_keys.rotate(both))
    kept = card.puk_sealed
    again = {each.name: each for each in vault_keys.rotate(both)}
    assert (again["card.puk_sealed"].resealed, again["card.puk_sealed"].passed_over) == (0, 1)
    db.session.refresh(card)
    assert card.puk_sealed == kept


def test_stopped_half_way_it_goes_on_when_it_is_run_again(before: Vault) -> None:
    cards = [a_sealed_card(before) for _ in range(3)]
    both = Vault(NEW, OLD)
    next(vault_keys.rotate(both, batch=1))  # the first column alone
    for card in cards:
        must_open(both, card)
    list(vault_keys.rotate(both))
    for card in cards:
        must_open(Vault(NEW), card)


def test_what_does_not_open_is_named_and_left_as_it_is(before: Vault) -> None:
    good, bad = a_sealed_card(before), a_sealed_card(Vault(FOREIGN))
    kept = bad.puk_sealed
    done = {each.name: each for each in vault_keys.rotate(Vault(NEW, OLD))}
    assert done["card.puk_sealed"].lost == [bad.guid]
    must_open(Vault(NEW), good)
    db.session.refresh(bad)
    assert bad.puk_sealed == kept


def test_two_people_with_one_number_are_named_and_neither_loses_it(before: Vault) -> None:
    first = a_person_with("QQ123456C")
    both = Vault(NEW, OLD)
    second = a_person()  # while the key is changed, the index does not show that they are the same
    second.nino_sealed = both.seal(
        b"QQ123456C", table="person", column="nino_sealed", row=second.uuid
    )
    second.nino_index = both.blind_index("nino", "QQ123456C")
    db.session.commit()
    done = {each.name: each for each in vault_keys.rotate(both)}
    assert done["person.nino_sealed"].clashes == [first.uuid]
    db.session.refresh(first)
    assert people.opened_nino(first.uuid, first.nino_sealed or b"") == "QQ123456C"


def test_a_check_tells_what_is_under_which_key(before: Vault) -> None:
    a_sealed_card(before)
    a_sealed_card(Vault(NEW))
    lost = a_sealed_card(Vault(FOREIGN))
    found = {each.name: each for each in vault_keys.check(Vault(NEW, OLD))}
    puks = found["card.puk_sealed"]
    assert (puks.current, puks.old, puks.lost) == (1, 1, [lost.guid])


def test_a_value_that_was_altered_is_found(before: Vault) -> None:
    card = a_sealed_card(before)
    assert card.puk_sealed is not None
    card.puk_sealed = card.puk_sealed[:-1] + bytes([card.puk_sealed[-1] ^ 1])
    db.session.commit()
    found = {each.name: each for each in vault_keys.check(before)}
    assert found["card.puk_sealed"].lost == [card.guid]


def test_every_sealed_column_is_known_here() -> None:
    in_the_models = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and "sealed" in column.name
    }
    assert {each.name for each in COLUMNS} == in_the_models


def test_a_kept_answer_of_a_sign_in_is_sealed_anew_too(before: Vault) -> None:
    row = CardOperation(
        public_id="op-1", kind="sign-in", step="choose", browser="b" * 64,
        started_at=START, updated_at=START,
        sealed=before.seal(b"token", table="card_operation", column="sealed", row="op-1"),
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    list(vault_keys.rotate(Vault(NEW, OLD)))
    db.session.refresh(row)
    place = {"table": "card_operation", "column": "sealed", "row": "op-1"}
    assert Vault(NEW).open(row.sealed or b"", **place) == b"token"


def test_a_secret_that_is_changed_meanwhile_is_not_lost(app: Flask, before: Vault) -> None:
    cards = [a_sealed_card(before) for _ in range(20)]
    ids = [card.id for card in cards]
    both = Vault(NEW, OLD)
    db.session.remove()

    def settle() -> None:
        with app.app_context():
            for number in ids:
                card = db.session.scalars(select(Card).filter_by(id=number).with_for_update()).one()
                sealed.settle_puk(both, card)
                db.session.commit()
            db.session.remove()

    other = threading.Thread(target=settle)
    other.start()
    list(vault_keys.rotate(both, batch=3))
    other.join()
    for number in ids:
        card = db.session.get_one(Card, number)
        db.session.refresh(card)
        assert sealed.current_puk(both, card) == "22222222"
        assert card.puk_pending_sealed is None


def test_keys_of_another_database_are_found_out_by_one_value(before: Vault) -> None:
    a_sealed_card(before)
    vault_keys.demand_keys(Vault(NEW, OLD))
    with pytest.raises(WrongKey) as refusal:
        vault_keys.demand_keys(Vault(FOREIGN))
    assert refusal.value.wanted == before.key_ids[-1]


def test_an_empty_database_takes_any_key() -> None:
    vault_keys.demand_keys(Vault(FOREIGN))


def test_the_wrong_key_opens_nothing(before: Vault) -> None:
    card = a_sealed_card(before)
    with pytest.raises(CannotOpen):
        sealed.current_puk(Vault(FOREIGN), card)
