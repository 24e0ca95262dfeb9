"""Virtual cards that are ready for use, and the keeper of a management key."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from reader_bridge.piv import objects
from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import Behaviour
from reader_bridge.virtual.state import CardState, new_card

PASSCODE = "Blue42!x"
DIGITS = "849205"
SLOTS = ("9a", "9c", "9e")


@dataclass(frozen=True)
class ManagementKey:
    """The card's 9B key as the service keeps it."""

    algorithm: str
    key: bytes

    def decrypt(self, block: bytes) -> bytes:
        """The answer to a witness."""
        step = self._cipher().decryptor()
        return step.update(block) + step.finalize()

    def encrypt(self, block: bytes) -> bytes:
        """The right response to a challenge."""
        step = self._cipher().encryptor()
        return step.update(block) + step.finalize()

    def _cipher(self) -> Cipher[modes.ECB]:
        kind: BlockCipherAlgorithm
        kind = TripleDES(self.key) if self.algorithm == "3DES" else AES(self.key)
        return Cipher(kind, modes.ECB())  # noqa: S305 - one block, as the card does it


@dataclass(frozen=True)
class IssuedCard:
    """What the service knows of a card that it has issued."""

    file: Path
    guid: str
    passcode: str
    puk: str
    management: ManagementKey
    public_keys: Mapping[str, bytes]  # slot -> DER SubjectPublicKeyInfo

    @property
    def state(self) -> CardState:
        """The card as it is in its file now."""
        return CardState.load(self.file)


def issued_card(
    file: Path,
    *,
    passcode: str = PASSCODE,
    algorithm: str = "ES256",
    behaviour: str | Behaviour = "default",
) -> IssuedCard:
    """A card with a passcode, three keys and three objects in the places of certificates."""
    file.parent.mkdir(parents=True, exist_ok=True)
    state = new_card(file, behaviour=behaviour)
    management = ManagementKey(state.management_algorithm, state.management_key)
    card = PivCard(CardConnection(VirtualCard(state)))
    card.select()
    name, witness = card.open_management()
    card.answer_management(name, management.decrypt(witness), secrets.token_bytes(len(witness)))
    guid = secrets.token_bytes(16)
    card.write_object(objects.CHUID, objects.Chuid(guid).encode())
    public_keys = {slot: card.generate(slot, algorithm) for slot in SLOTS}
    for slot in SLOTS:
        card.write_certificate(slot, b"\x30\x02\x05\x00")
    puk = state.behaviour.factory_puk
    card.reset_retry_counter(puk, passcode)
    return IssuedCard(file, guid.hex(), passcode, puk, management, public_keys)
