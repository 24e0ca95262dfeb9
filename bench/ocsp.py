"""How long an OCSP answer takes, against OpenSSL with the same 100,000 revoked certificates."""

import os
import statistics

from bench.figures import Figure
from bench.revoked import AT_ONCE, COUNT, answers_per_second, openssl_responder, revoked_service

ROUNDS = 5
CLIENTS = 2
ASKED = 200  # different certificates: each worker has signed them all when it counts


def measure() -> list[Figure]:
    workers = os.cpu_count() or 1
    with revoked_service(workers=workers) as revoked, openssl_responder(revoked) as peer:
        bodies = [revoked.request(serial) for serial in revoked.serials[:ASKED]]
        port = revoked.installation.port
        answers_per_second(port, bodies, clients=CLIENTS, keep_open=True, seconds=3)
        rounds = [
            (
                answers_per_second(port, bodies, clients=CLIENTS, keep_open=True, seconds=1),
                answers_per_second(peer, bodies, clients=CLIENTS, keep_open=False, seconds=1),
            )
            for _ in range(ROUNDS)
        ]
    ours, theirs = (statistics.median(1e6 / each[side] for each in rounds) for side in (0, 1))
    return [
        Figure(
            name="OCSP answer",
            value=ours,
            unit="µs",
            floor=theirs,
            goal=theirs / 2,
            goal_in_words="half the time of openssl ocsp: twice its answers",
            conditions=(
                f"time for each answer, median of {ROUNDS} rounds in turns: {COUNT} revoked, "
                f"{CLIENTS} clients on the same machine with {AT_ONCE} questions each at once, "
                f"prepared answers without nonce, {workers} workers and connections kept open "
                "(openssl: one process, closes each), SQLite"
            ),
        )
    ]
