"""A program that writes its own row again and again: `python -m tests.workers.writer FILE NAME`.

It says that it is ready, waits for a line, writes for SECONDS, and says how often it did.
"""

import sys
import time

from sqlalchemy import create_engine, text

from app.database import prepare

SECONDS = 1.5


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(file: str, name: str) -> None:
    engine = create_engine(f"sqlite:///{file}")
    prepare(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO counter VALUES (:name, 0)"), {"name": name})
    say("ready")
    sys.stdin.readline()
    written, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        with engine.begin() as connection:
            connection.execute(text("UPDATE counter SET n = n + 1 WHERE name = :n"), {"n": name})
        written += 1
    say(str(written))


if __name__ == "__main__":
    main(*sys.argv[1:])
