"""Management authentication (9B): the server's half of the card's challenge and response.

The key never leaves the server for this. SP 800-73-4 part 2, appendix A.1, mutual authentication:
the card sends a witness (a random block, encrypted), the server answers with the block itself and
a challenge, and the card responds with the challenge, encrypted.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from app.card_operations import wire

KEY_BYTES = {"3DES": 24, "AES128": 16, "AES192": 24, "AES256": 32}
BLOCK_BYTES = {"3DES": 8, "AES128": 16, "AES192": 16, "AES256": 16}


class ManagementRefused(Exception):
    """The card's part does not fit the key: not the key, or not the card."""


@dataclass(frozen=True, repr=False)
class ManagementKey:
    """A key of the 9B slot. ``algorithm`` is 3DES, AES128, AES192 or AES256."""

    algorithm: str
    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES[self.algorithm]:
            raise ValueError(f"a key for {self.algorithm} has {KEY_BYTES[self.algorithm]} bytes")

    def __repr__(self) -> str:
        return f"<ManagementKey {self.algorithm}>"

    @classmethod
    def random(cls, algorithm: str) -> "ManagementKey":
        while True:
            key = cls(algorithm, secrets.token_bytes(KEY_BYTES[algorithm]))
            if algorithm != "3DES" or len({key.key[i : i + 8] for i in (0, 8, 16)}) == 3:
                return key

    def _cipher(self) -> Cipher[ECB]:
        # One block of random bytes, once: the card's protocol has no other mode, and needs none.
        kind: Any = TripleDES if self.algorithm == "3DES" else AES
        return Cipher(kind(self.key), ECB())  # noqa: S305

    def encrypt(self, block: bytes) -> bytes:
        encryptor = self._cipher().encryptor()
        return encryptor.update(block) + encryptor.finalize()

    def decrypt(self, block: bytes) -> bytes:
        decryptor = self._cipher().decryptor()
        return decryptor.update(block) + decryptor.finalize()


@dataclass(frozen=True, repr=False)
class Answer:
    """What the card is sent: its witness, decrypted, and the server's challenge."""

    answer: bytes
    challenge: bytes


def witness(opened: Mapping[str, Any]) -> tuple[str, bytes]:
    """The algorithm and the witness in what a bridge answered to open-management.

    Raises:
        ManagementRefused: no such algorithm, or not one block of it.
    """
    algorithm = opened.get("algorithm")
    if not isinstance(algorithm, str) or algorithm not in BLOCK_BYTES:
        raise ManagementRefused("algorithm")
    block = wire.to_bytes(opened.get("witness"))
    if len(block) != BLOCK_BYTES[algorithm]:
        raise ManagementRefused("witness")
    return algorithm, block


def answer(key: ManagementKey, witness: bytes) -> Answer:
    """Decrypt the card's witness and challenge the card in turn.

    Raises:
        ManagementRefused: the witness is not one block of this algorithm.
    """
    size = BLOCK_BYTES[key.algorithm]
    if len(witness) != size:
        raise ManagementRefused("witness")
    return Answer(key.decrypt(witness), secrets.token_bytes(size))


def check(key: ManagementKey, challenge: bytes, response: bytes) -> None:
    """Check that the card knows the key too.

    Raises:
        ManagementRefused: the response is not the challenge, encrypted.
    """
    if not hmac.compare_digest(key.encrypt(challenge), response):
        raise ManagementRefused("response")
