"""Reminders written by several programs at once, on one database: each once."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.days import day_of
from tests.workers.conftest import Cluster
from tools.installation import ROOT

PROGRAMS = 4


@pytest.fixture(autouse=True)
def _last_days_are_put_back(cluster: Cluster) -> Iterator[None]:
    cluster.value("CREATE TABLE last_day AS SELECT id, expires_on FROM card")
    yield
    cluster.value(
        "UPDATE card SET expires_on = (SELECT expires_on FROM last_day WHERE last_day.id = card.id)"
    )
    cluster.value("DROP TABLE last_day")


def test_several_programs_remind_at_once_and_each_holder_hears_once(cluster: Cluster) -> None:
    last = day_of(datetime.now(UTC)) + timedelta(days=7)
    cluster.value("DELETE FROM outbox_message")
    cluster.value("DELETE FROM expiry_reminder")
    cluster.value("UPDATE card SET expires_on = :last WHERE status = 'issued'", last=last)
    wanted = cluster.value(
        "SELECT count(*) FROM card JOIN person ON person.id = card.person_id "
        "WHERE card.status = 'issued' AND person.status = 'open' AND person.email IS NOT NULL"
    )
    assert isinstance(wanted, int)
    assert wanted > PROGRAMS
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "mail", "remind"]
    programs = [
        subprocess.Popen(
            command,
            env=cluster.installation.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROGRAMS)
    ]
    said = [program.communicate(timeout=60) for program in programs]
    assert [program.returncode for program in programs] == [0] * PROGRAMS, said
    written = [int(out.splitlines()[-1].split()[0]) for out, _ in said]
    assert sum(written) == wanted
    count = "SELECT count(*) FROM outbox_message WHERE template = 'certificates-expire'"
    assert cluster.value(count) == wanted
    assert cluster.value("SELECT count(DISTINCT card_id) FROM expiry_reminder") == wanted
