"""Slow hashes of what people type: security answers and codes (Argon2id, RFC 9106).

One takes 20 to 30 ms and 19 MiB on purpose. None is made while a transaction is open: a writer
would keep every other one waiting.
"""

from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from app.extensions import db

EXTENSION = "hasher"


class Hasher(Protocol):
    """What makes the hashes and judges by them."""

    def hash(self, text: str) -> str:
        """Return a salted hash of a text."""

    def matches(self, hashed: str, text: str) -> bool:
        """Say whether the hash is one of this text."""


class Argon2id:
    """19 MiB, two passes, one lane: the least that OWASP advises. ``memory`` is in KiB."""

    def __init__(self, *, passes: int = 2, memory: int = 19 * 1024) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1)

    def hash(self, text: str) -> str:
        return self._hasher.hash(text)

    def matches(self, hashed: str, text: str) -> bool:
        try:
            return self._hasher.verify(hashed, text)
        except (VerificationError, InvalidHashError):
            return False


class TransactionOpen(RuntimeError):
    """A transaction is open: nothing slow is done within one."""


def hash_of(text: str) -> str:
    """Return the hash to keep of a text.

    Raises:
        TransactionOpen: end it first.
    """
    return _hasher().hash(text)


def matches(hashed: str, text: str) -> bool:
    """Say whether a kept hash is one of this text.

    Raises:
        TransactionOpen: end it first.
    """
    return _hasher().matches(hashed, text)


def _hasher() -> Hasher:
    if db.session().in_transaction():
        raise TransactionOpen
    hasher: Hasher = current_app.extensions.setdefault(EXTENSION, Argon2id())
    return hasher
