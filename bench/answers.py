"""Judging a security answer: the slow hash as the service asks for it, against the hash alone."""

from argon2.low_level import Type, verify_secret
from flask import Flask

import config as settings
from app import create_app
from app.domain.security_questions import fold
from app.services import hashing, security_answers
from bench.figures import Figure, compared

ROUNDS = 100
ANSWER = "The Tiger Who Came to Tea"
MOST_TIMES_THE_HASH = 1.1


def measure() -> list[Figure]:
    app: Flask = create_app(settings.Testing())
    with app.app_context():
        kept = hashing.hash_of(fold(ANSWER))
        raw, secret = kept.encode(), fold(ANSWER).encode()

        def judge() -> None:
            assert security_answers.all_right({"childhood-book": ANSWER}, {"childhood-book": kept})

        def hash_alone() -> None:
            assert verify_secret(raw, secret, Type.ID)

        times = compared(judge, hash_alone, ROUNDS)
    return [
        Figure(
            name="one security answer judged",
            value=times.value,
            unit="ms",
            floor=times.floor,
            goal=times.floor * MOST_TIMES_THE_HASH,
            goal_in_words=f"{MOST_TIMES_THE_HASH} × Argon2id alone",
            conditions=f"median of {ROUNDS}: Argon2id, 19 MiB, 2 passes, 1 lane",
        )
    ]
