"""Counting the slow hashes: a hasher of our own in the place of the application's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask

from app.services import hashing


@dataclass
class Counted:
    """The real hasher, and how often it was asked."""

    made: int = 0
    judged: int = 0
    real: hashing.Argon2id = field(default_factory=hashing.Argon2id)

    def hash(self, text: str) -> str:
        self.made += 1
        return self.real.hash(text)

    def matches(self, hashed: str, text: str) -> bool:
        self.judged += 1
        return self.real.matches(hashed, text)


@contextmanager
def counting(app: Flask) -> Iterator[Counted]:
    """Count what the application hashes and judges meanwhile."""
    before = app.extensions.get(hashing.EXTENSION, hashing.Argon2id())
    counted = app.extensions[hashing.EXTENSION] = Counted()
    try:
        yield counted
    finally:
        app.extensions[hashing.EXTENSION] = before
