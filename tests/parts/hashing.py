"""The slow hashes in tests: made quick, and counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from flask import Flask

from app.services import hashing

# The same algorithm with the least memory: most tests ask what is hashed, not how slowly
QUICK = hashing.Argon2id(passes=1, memory=8)


@dataclass
class Counted:
    """A hasher, and how often it was asked."""

    made: int = 0
    judged: int = 0
    real: hashing.Argon2id = field(default_factory=lambda: QUICK)

    def hash(self, text: str) -> str:
        self.made += 1
        return self.real.hash(text)

    def matches(self, hashed: str, text: str) -> bool:
        self.judged += 1
        return self.real.matches(hashed, text)


@contextmanager
def counting(app: Flask) -> Iterator[Counted]:
    """Count what the application hashes and judges meanwhile."""
    before = app.extensions[hashing.EXTENSION]
    counted = app.extensions[hashing.EXTENSION] = Counted()
    try:
        yield counted
    finally:
        app.extensions[hashing.EXTENSION] = before


class QuickHashes:
    """In the place of the slow ones, where what is tried is not how slow they are."""

    def hash(self, text: str) -> str:
        return sha256(text.encode()).hexdigest()

    def matches(self, hashed: str, text: str) -> bool:
        return hashed == self.hash(text)
