"""The whole product, running: server and bridge as processes of their own, on free ports.

It is prepared once in a run of the tests. Each worker starts a copy, and each test begins with
people, cards and readers as they were when it was made.
"""

import fcntl
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask

import config as settings
from app import clock, create_app
from app.services import outbox
from tests.parts.desk import Desk, desk_at
from tests.parts.ports import free_port
from tests.parts.smtp import MailCatcher, mail_catcher
from tools.installation import Installation
from tools.processes import Family, Program


class Service:
    """A running installation, with a desk to move its virtual cards and a mail server."""

    def __init__(
        self,
        installation: Installation,
        prepared: Installation,
        mail: MailCatcher,
        family: Family,
        stack: ExitStack,
    ) -> None:
        self.installation = installation
        self.mail = mail
        self._prepared = prepared
        self._family = family
        self._stack = stack
        self._bridge: Program | None = None
        self.desk: Desk
        self.start_bridge()

    @property
    def origin(self) -> str:
        return self.installation.origin

    @property
    def database(self) -> Path:
        return self.installation.database

    def reset(self) -> None:
        """Make people, cards and readers as they were at the beginning: no card in any reader."""
        if self._bridge is None:
            self.start_bridge()
        self.desk.clear()
        self.restore()

    def restore(self) -> None:
        """Make people and cards as they were at the beginning. No card may be in a reader."""
        shutil.copytree(self._prepared.cards, self.installation.cards, dirs_exist_ok=True)
        with (
            closing(sqlite3.connect(self._prepared.database)) as source,
            closing(sqlite3.connect(self.database, timeout=10)) as target,
        ):
            source.backup(target)
        self.mail.messages.clear()
        self.mail.takes = True
        shutil.rmtree(self.installation.mail, ignore_errors=True)

    def start_bridge(self, **inserted: str) -> None:
        """Start the reader bridge, all its readers empty but those that ``inserted`` names."""
        self.installation.write_bridge_settings(inserted)
        self._bridge = self.installation.start_bridge(self._family)
        address, origin = self.installation.bridge_address, self.installation.origin
        self.desk = self._stack.enter_context(desk_at(address, origin))

    @contextmanager
    def bridge_with(self, readers: str) -> Iterator[None]:
        """For a while, have the bridge use other ``readers`` than the virtual ones: "pcsc"."""
        self.stop_bridge()
        other = replace(self.installation, readers=readers)
        other.write_bridge_settings()
        bridge = other.start_bridge(self._family)
        try:
            yield
        finally:
            self._family.stop(bridge)
            self.installation.write_bridge_settings()

    @contextmanager
    def another_pc(self) -> Iterator[Desk]:
        """Run the reader bridge of a second PC. A card is in a reader of the one or the other."""
        first = self.installation.bridge_port + 1
        other = replace(self.installation, pc="another-pc", bridge_port=first)
        other.write_bridge_settings()
        bridge = other.start_bridge(self._family)
        try:
            with desk_at(other.bridge_address, self.origin) as desk:
                yield desk
                desk.clear()
        finally:
            self._family.stop(bridge)

    def stop_bridge(self, *, killed: bool = False) -> None:
        """End the reader bridge, as a person or an update of the PC does."""
        assert self._bridge is not None, "the bridge does not run"
        if killed:
            self._bridge.signal(signal.SIGKILL)
        self._family.stop(self._bridge)
        self._bridge = None

    def flask(self, *command: str) -> str:
        """Run one of the server's commands, as an administrator would."""
        return self.installation.flask(*command)

    def deliver_mail(self) -> None:
        """Hand over the mail that waits, as `flask mail deliver` does; no program is started."""
        with self._own_app.app_context():
            outbox.deliver(clock.system_clock)

    @cached_property
    def _own_app(self) -> Flask:
        """The server in this process, for what needs no request."""
        return create_app(settings.load(self.installation.environment))

    def logs(self) -> dict[str, str]:
        """Return what each program has written so far."""
        files = self.installation.logs.glob("*.log")
        return {file.stem: file.read_text(errors="replace") for file in files}


def installation_in(folder: Path, *, mail_port: int = 0) -> Installation:
    return Installation(
        folder=folder,
        port=free_port(),
        bridge_port=min(free_port(), 65_500),
        mail_port=mail_port or free_port(),
    )


def prepared_in(shared: Path) -> Installation:
    """Return an installation that is filled and does not run; made by whichever worker is first."""
    shared.mkdir(parents=True, exist_ok=True)
    done = shared / "prepared"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installation = installation_in(shared / "installation")
        if not done.exists():
            prepare(installation)
            done.touch()
    return installation


def prepare(installation: Installation) -> None:
    """Make keys, people, and cards that are issued in the way in which an agent issues them."""
    installation.forget()
    installation.make_keys()
    installation.fill()
    installation.write_bridge_settings()
    with Family(installation.logs) as family:
        installation.start_bridge(family)
        installation.issue_cards()


@contextmanager
def running_service(folder: Path, shared: Path, **changed: Any) -> Iterator[Service]:
    """Start a copy of the prepared installation of ``shared`` in ``folder``.

    ``changed`` is what this installation has otherwise (`tools.installation.Installation`).
    """
    prepared = prepared_in(shared)
    shutil.copytree(prepared.folder, folder)
    with ExitStack() as stack:
        mail = stack.enter_context(mail_catcher())
        installation = replace(installation_in(folder, mail_port=mail.port), **changed)
        family = stack.enter_context(Family(installation.logs))
        service = Service(installation, prepared, mail, family, stack)
        installation.start_server(family)
        yield service
