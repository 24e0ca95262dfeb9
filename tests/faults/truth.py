"""What must be true of a card that is out of danger: chip, database and holder agree."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.card_operations import sealed
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


def must_be_whole(world: World, name: str, passcode: str) -> None:
    """The card is issued, holds what the service believes, and opens with this passcode."""
    chip = world.cards[name]
    with world.request():
        card = row_of(chip)
        assert card.status is CardStatus.ISSUED, card.status
        _keys_agree(card, chip)
        _certificates_agree(card, chip)
        secrets_must_agree(world, card, chip)
    must_open(world, name, passcode)
    with world.request():
        _nothing_is_left_open(row_of(chip))


def row_of(chip: CardState) -> Card:
    assert chip.guid is not None, "a card without a GUID"
    return db.session.scalars(select(Card).where(Card.guid == chip.guid.hex())).one()


def must_open(world: World, name: str, passcode: str) -> None:
    """Its holder signs in with it, with no try lost, on a PC that knows nothing of before."""
    chip = world.cards[name]
    assert chip.passcode.value.rstrip(b"\xff").decode() == passcode, "another passcode in the chip"
    holder = Someone(world, "home")
    before = world.clock.now
    assert holder.sign_in(name, passcode) == passcode
    with world.request():
        running = db.session.scalars(
            select(Session).where(Session.guid == row_of(chip).guid, Session.ended_at.is_(None))
        ).all()
        assert [each.started_at >= before for each in running] == [True], "sessions"
    assert chip.passcode.left == chip.passcode.tries


def secrets_must_agree(world: World, card: Card, chip: CardState) -> None:
    """PUK and management key in the vault open the chip, and no PUK is in doubt."""
    vault = world.office.vault
    assert chip.management_key == sealed.management_key(vault, card).key, "management key lost"
    assert card.management_algorithm == chip.management_algorithm
    assert card.puk_pending_sealed is None, "a PUK is in doubt"
    assert card.puk_sealed is not None
    kept = vault.open(card.puk_sealed, table="card", column="puk_sealed", row=card.guid)
    assert chip.puk.value == kept, "PUK lost"
    assert chip.puk.left == chip.puk.tries, "PUK tries lost"


def nothing_is_lost(world: World, name: str) -> None:
    """At any time: the chip's PUK and management key are the factory's, or in the vault."""
    chip, vault = world.cards[name], world.office.vault
    puks, keys = {_padded(chip.behaviour.factory_puk)}, {chip.behaviour.factory_management_key}
    with world.request():
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


def _nothing_is_left_open(card: Card) -> None:
    left = db.session.scalars(
        select(CardOperation).where(
            CardOperation.card_id == card.id,
            CardOperation.finished_at.is_(None),
            CardOperation.kind.not_in(("sign-in", "presence")),
        )
    ).all()
    assert not left, f"left open: {left}"
