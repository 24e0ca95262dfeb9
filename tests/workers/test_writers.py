"""Writers of one SQLite file, each a process of its own: they queue, and each has its turn."""

import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

WRITERS = 6


def test_no_writer_starves_and_nothing_written_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "counters.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER)")
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.workers.writer", str(file), f"writer-{number}"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(WRITERS)
        ]
        for each in writers:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in writers:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        written = [int(each.communicate(timeout=60)[0]) for each in writers]
    with closing(sqlite3.connect(file)) as database:
        kept = [n for (n,) in database.execute("SELECT n FROM counter ORDER BY name")]
    assert kept == written
    # Under SQLite's own timeout alone some write hundreds of rows and others one
    assert max(written) <= 8 * min(written), written
