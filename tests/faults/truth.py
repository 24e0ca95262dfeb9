"""What must be true of a card that is out of danger: chip, database and holder agree."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.card_operations import sealed
from app.card_operations.office import Office
from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import CertificateStatus, KeyState
from app.extensions import db
from app.models import Card, CardOperation, Certificate, Session
from app.pki.profiles import expires_on
from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.virtual import key_pairs
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.state import CardState
from tests.faults.people import Someone
from tests.faults.world import World

SLOTS = ("9a", "9c", "9e")


class Records(Protocol):
    """Chips by name, and the rows about them: of a world of these tests, or of real programs."""

    @property
    def cards(self) -> Mapping[str, CardState]: ...

    @property
    def office(self) -> Office: ...

    def request(self) -> AbstractContextManager[None]:
        """A look at the database."""


def must_be_whole(world: World, name: str, passcode: str) -> None:
    """The card is issued, holds what the service believes, and opens with this passcode."""
    must_agree(world, name)
    must_open(world, name, passcode)
    nothing_is_left_open(world, name)


def must_agree(records: Records, name: str) -> None:
    """The card is issued, and chip, rows and vault say the same of it."""
    chip = records.cards[name]
    with records.request():
        card = row_of(chip)
        assert card.status is CardStatus.ISSUED, card.status
        _keys_agree(card, chip)
        _certificates_agree(card, chip)
        secrets_must_agree(records, card, chip)


def must_be_erased(records: Records, name: str, card_id: int) -> None:
    """The chip is as its maker made it, and the vault keeps nothing that opens it."""
    chip = records.cards[name]
    assert chip.guid is None
    assert chip.management_key == chip.behaviour.factory_management_key
    assert chip.puk.value == chip.behaviour.factory_puk.encode()
    with records.request():
        card = db.session.get_one(Card, card_id)
        sealed_for_it = (card.puk_sealed, card.puk_pending_sealed, card.management_key_sealed)
        if chip.serial is not None:  # without one, another card may have been taken for it
            assert sealed_for_it == (None, None, None)


def row_of(chip: CardState) -> Card:
    assert chip.guid is not None, "a card without a GUID"
    return db.session.scalars(select(Card).where(Card.guid == chip.guid.hex())).one()


def must_open(world: World, name: str, passcode: str) -> None:
    """Its holder signs in with it, with no try lost, on a PC that knows nothing of before."""
    chip = world.cards[name]
    assert passcode_in(chip) == passcode, "another passcode in the chip"
    holder = Someone(world, "home")
    before = world.clock.now
    assert holder.sign_in(name, passcode) == passcode
    with world.request():
        running = db.session.scalars(
            select(Session).where(Session.guid == row_of(chip).guid, Session.ended_at.is_(None))
        ).all()
        assert [each.started_at >= before for each in running] == [True], "sessions"
    assert chip.passcode.left == chip.passcode.tries


def passcode_in(chip: CardState) -> str:
    return chip.passcode.value.rstrip(b"\xff").decode()


def secrets_must_agree(records: Records, card: Card, chip: CardState) -> None:
    """PUK and management key in the vault open the chip, and no PUK is in doubt."""
    vault = records.office.vault
    assert chip.management_key == sealed.management_key(vault, card).key, "management key lost"
    assert card.management_algorithm == chip.management_algorithm
    assert card.puk_pending_sealed is None, "a PUK is in doubt"
    assert card.puk_sealed is not None
    kept = vault.open(card.puk_sealed, table="card", column="puk_sealed", row=card.guid)
    assert chip.puk.value == kept, "PUK lost"
    assert chip.puk.left == chip.puk.tries, "PUK tries lost"


def nothing_is_lost(records: Records, name: str) -> None:
    """At any time: the chip's PUK and management key are the factory's, or in the vault."""
    chip, vault = records.cards[name], records.office.vault
    puks, keys = {_padded(chip.behaviour.factory_puk)}, {chip.behaviour.factory_management_key}
    with records.request():
        for card in db.session.scalars(select(Card)):
            for column in ("puk_sealed", "puk_pending_sealed"):
                value = getattr(card, column)
                if value is not None:
                    puks.add(vault.open(value, table="card", column=column, row=card.guid))
            if card.management_key_sealed is not None:
                keys.add(sealed.management_key(vault, card).key)
    assert chip.puk.value in puks, "PUK lost"
    assert chip.puk.left, "PUK blocked"
    assert chip.management_key in keys, "management key lost"


def _padded(secret: str) -> bytes:
    return secret.encode().ljust(8, b"\xff")


def _keys_agree(card: Card, chip: CardState) -> None:
    for slot in SLOTS:
        current = [key for key in card.keys if key.slot == slot and key.state is KeyState.CURRENT]
        assert len(current) == 1, f"{slot}: {len(current)} current keys"
        in_chip = key_pairs.load(chip.keys[slot][0]).public_key()
        der = in_chip.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert current[0].public_key == der, f"{slot}: another key in the chip"


def _certificates_agree(card: Card, chip: CardState) -> None:
    reading = PivCard(CardConnection(VirtualCard(chip)))
    reading.select()
    for slot in SLOTS:
        of_slot = [each for each in card.certificates if each.slot == slot]
        active = [each for each in of_slot if each.status is CertificateStatus.ACTIVE]
        assert len(active) == 1, f"{slot}: {len(active)} active certificates"
        assert active[0].der == reading.read_certificate(slot), f"{slot}: another certificate"
        assert active[0].key.state is KeyState.CURRENT
        others = [each for each in of_slot if each is not active[0]]
        revoked = [each.status is CertificateStatus.REVOKED for each in others]
        assert all(revoked), f"{slot}: {_states(others)}"
        assert all(each.revoked_at is not None for each in others)
        if slot == "9a":
            assert card.expires_on == expires_on(x509.load_der_x509_certificate(active[0].der))


def _states(certificates: list[Certificate]) -> list[str]:
    return [each.status.value for each in certificates]


def nothing_is_left_open(records: Records, name: str) -> None:
    with records.request():
        left = unfinished(row_of(records.cards[name]).id)
    assert not left, f"left open: {left}"


def unfinished(card_id: int) -> list[str]:
    """The kinds of what was begun with a card and has not ended."""
    begun = select(CardOperation.kind).where(
        CardOperation.card_id == card_id,
        CardOperation.finished_at.is_(None),
        CardOperation.kind.not_in(("sign-in", "presence")),
    )
    return list(db.session.scalars(begun))
