"""Secrets at rest: sealed with a key that is not in the database, bound to the row they are in.

A sealed value is: version (1 byte), key id (4), nonce (12), ciphertext and tag (AES-256-GCM).
Values under an old key still open; ``needs_resealing`` finds them, so that keys can be changed
while the service runs.
"""

import base64
import hashlib
import hmac
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.vault.errors import BadKey, CannotOpen

VERSION = b"\x01"
KEY_BYTES = 32
ID_BYTES = 4
NONCE_BYTES = 12
_HEAD = len(VERSION) + ID_BYTES + NONCE_BYTES
_TAG_BYTES = 16


class VaultKey:
    """One key-encryption key, and what is derived from it (HKDF-SHA256, RFC 5869)."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise BadKey(f"a vault key has {KEY_BYTES} bytes, not {len(secret)}")
        self._cipher = AESGCM(_derived(secret, "seal"))
        self._index_key = _derived(secret, "blind index")
        self.id = _derived(secret, "id")[:ID_BYTES]

    def __repr__(self) -> str:
        """The id alone: it cannot be turned back into the key."""
        return f"<VaultKey {self.id.hex()}>"

    def encrypt(self, plain: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def decrypt(self, sealed: bytes, bound_to: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
        except InvalidTag:
            raise CannotOpen("altered, or sealed for another place") from None

    def index(self, purpose: str, text: str) -> str:
        message = _framed(purpose, text)
        return hmac.new(self._index_key, message, hashlib.sha256).hexdigest()


class Vault:
    """Seals with the current key, opens with that one and with the old ones."""

    def __init__(self, current: bytes, *old: bytes) -> None:
        self._current = VaultKey(current)
        self._keys = {key.id: key for key in (*map(VaultKey, old), self._current)}

    @classmethod
    def from_settings(cls, current: str | None, old: str | None = None) -> "Vault":
        """Make a vault of VAULT_KEY and VAULT_KEY_OLD: base64; old keys separated by spaces.

        Raises:
            BadKey: VAULT_KEY is not set, or one is not 32 bytes in base64.
        """
        if not current:
            raise BadKey("VAULT_KEY is not set: nothing can be sealed or opened")
        return cls(_decoded(current), *map(_decoded, (old or "").split()))

    def __repr__(self) -> str:
        return f"<Vault {self._current!r}, {len(self._keys)} keys>"

    def seal(self, plain: bytes, *, table: str, column: str, row: str | int) -> bytes:
        """Seal a secret for one place: moved to another row or column, it does not open.

        ``row`` is what names the row for good and is known before it is written: a GUID, a UUID.
        """
        head = VERSION + self._current.id
        return head + self._current.encrypt(plain, _place(head, table, column, row))

    def open(self, sealed: bytes, *, table: str, column: str, row: str | int) -> bytes:
        """Open what was sealed for this place.

        Raises:
            CannotOpen: altered, sealed for another place, or its key is not here.
        """
        key = self._key_of(sealed)
        head = VERSION + key.id
        return key.decrypt(sealed[len(head) :], _place(head, table, column, row))

    def needs_resealing(self, sealed: bytes) -> bool:
        """Say whether a value is under an old key.

        Raises:
            CannotOpen: its key is not here.
        """
        return self._key_of(sealed) is not self._current

    def reseal(self, sealed: bytes, *, table: str, column: str, row: str | int) -> bytes:
        """Return the same secret under the current key.

        Raises:
            CannotOpen: as ``open``.
        """
        return self.seal(
            self.open(sealed, table=table, column=column, row=row),
            table=table,
            column=column,
            row=row,
        )

    def blind_index(self, purpose: str, text: str) -> str:
        """Return a keyed digest (hex) by which equal texts are found without opening any.

        It changes with the current key: see ``blind_indexes`` for looking up.
        """
        return self._current.index(purpose, text)

    def blind_indexes(self, purpose: str, text: str) -> list[str]:
        """Return the digests under every key, for looking up while keys are being changed."""
        return [key.index(purpose, text) for key in self._keys.values()]

    @property
    def key_ids(self) -> list[str]:
        """The ids (hex) of the keys that are here, the current one last."""
        return [key.id.hex() for key in self._keys.values()]

    @staticmethod
    def key_id(sealed: bytes) -> str:
        """Return the id (hex) of the key under which a value was sealed, here or not."""
        return sealed[len(VERSION) : len(VERSION) + ID_BYTES].hex()

    def _key_of(self, sealed: bytes) -> VaultKey:
        if len(sealed) < _HEAD + _TAG_BYTES or not sealed.startswith(VERSION):
            raise CannotOpen("not a sealed value")
        key = self._keys.get(sealed[len(VERSION) : len(VERSION) + ID_BYTES])
        if key is None:
            raise CannotOpen("sealed under a key that is not here")
        return key


def _place(head: bytes, table: str, column: str, row: str | int) -> bytes:
    return head + _framed(table, column, str(row))


def _framed(*parts: str) -> bytes:
    encoded = [part.encode() for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in encoded)


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"cis vault {purpose}".encode()).derive(secret)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise BadKey("a vault key is written in base64") from None
