"""A PostgreSQL of our own: one cluster per run, shared by the test workers, gone afterwards.

It listens on a Unix socket only and never waits for the disk. PostgreSQL refuses to run as root,
so that root hands it to the user `postgres`.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, func, insert, select, text

from app.models import Base

BINARIES = Path("/usr/lib/postgresql/15/bin")
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


def socket_folder(shared: Path) -> Path:
    """Return where the run's cluster listens; the first worker that asks starts it.

    ``shared`` is a folder that all workers of this run know, and no other run.
    """
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = shared / "postgres.folder"
        if not note.exists():
            note.write_text(str(_start()))
        return Path(note.read_text())


def stop(shared: Path) -> None:
    """End the run's cluster, if one was started, and remove its files."""
    note = shared / "postgres.folder"
    if not note.exists():
        return
    folder = Path(note.read_text())
    note.unlink()
    _run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def uri(folder: Path, database: str) -> str:
    return f"postgresql+psycopg://postgres@/{database}?host={folder}"


def database(shared: Path, name: str) -> str:
    """Make an empty database in the run's cluster and return its address."""
    folder = socket_folder(shared)
    server = create_engine(uri(folder, "postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return uri(folder, name)


def copy_rows(source: str, target: str) -> None:
    """Bring every row of one database into the empty tables of another."""
    old, new = create_engine(source), create_engine(target)
    with old.connect() as reading, new.begin() as writing:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row) for row in reading.execute(select(table)).mappings()]
            if rows:
                writing.execute(text(f'ALTER TABLE "{table.name}" DISABLE TRIGGER ALL'))
                writing.execute(insert(table), rows)
                writing.execute(text(f'ALTER TABLE "{table.name}" ENABLE TRIGGER ALL'))
            if "id" in table.columns:
                highest = writing.scalar(select(func.coalesce(func.max(table.c.id), 0)))
                sequence = func.pg_get_serial_sequence(f'"{table.name}"', "id")
                writing.execute(select(func.setval(sequence, (highest or 0) + 1, False)))
    old.dispose()
    new.dispose()


def _start() -> Path:
    if not (BINARIES / "initdb").exists():
        raise RuntimeError("PostgreSQL 15 is not installed: `make test` says how to get it")
    folder = Path(tempfile.mkdtemp(prefix="cis-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    # A locale that sorts as people do shows where an index counts on code points
    _run(
        *("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"),
        *("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-GB"),
    )
    settings = "".join(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write(f"{settings}unix_socket_directories = '{folder}'\n")
    _run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "start")
    return folder


def _run(program: str, *arguments: str) -> None:
    command = [str(BINARIES / program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd="/",
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(f"{program}: {(done.stdout or b'').decode()}")
