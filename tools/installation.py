"""One installation of the whole product in a folder: its settings, its programs, its first fill.

The demonstration and the browser tests both use it, so that what is tried is what is shown.
"""

import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from reader_bridge.contract import HOST, PATH
from tools.ports import is_free
from tools.processes import Family, Program

ROOT = Path(__file__).resolve().parent.parent
READERS = ("Virtual reader 1", "Virtual reader 2")


class PreparationFailed(Exception):
    """A command that prepares the installation failed. The text is what it said."""


@dataclass(frozen=True)
class Installation:
    """Where an installation is and on which ports its programs listen."""

    folder: Path
    port: int
    bridge_port: int
    mail_port: int
    pc: str = "bridge"  # the folder of its reader bridge
    readers: str = "virtual"  # or "both": this machine's own too
    workers: int = 1
    tick: int = 60  # seconds between two calls of the bridge for a proof of presence
    busy: float = 5  # seconds that the bridge waits for a card that another program is using
    settings: Mapping[str, str] = field(default_factory=dict)  # of the server, over the usual ones

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "cis.db"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def cards(self) -> Path:
        return self.folder / "bridge" / "cards"

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def bridge_settings(self) -> Path:
        return self.folder / self.pc / "bridge.toml"

    @property
    def bridge_port_file(self) -> Path:
        return self.folder / self.pc / "port"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of each of its programs: nothing of the caller's own settings."""
        names = ("PATH", "HOME", "LANG", "PCSCLITE_CSOCK_NAME")  # the last: where PC/SC is
        kept = {name: os.environ[name] for name in names if name in os.environ}
        settings = {
            "CIS_CONFIG": "production",
            "INSTANCE": str(self.folder),
            "ORIGIN": self.origin,
            "BRIDGE_PORT": str(self.bridge_port),
            "MAIL_SERVER": HOST,
            "MAIL_PORT": str(self.mail_port),
            "DEMONSTRATION": "on",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "PKI_FOLDER": str(self.keys / "pki"),
            "PYTHONUNBUFFERED": "1",
        }
        secrets = {f"{file.name}_FILE": str(file) for file in self.keys.glob("*_*")}
        return kept | settings | secrets | dict(self.settings)

    # What is done once

    def make_keys(self) -> None:
        self.flask("keys", "create", str(self.keys))

    def fill(self) -> None:
        """Make the database and the demonstration's people."""
        self.flask("db", "upgrade")
        self.flask("demonstration", "people")

    def issue_cards(self) -> None:
        """Issue the demonstration's virtual cards, over the running bridge."""
        self.flask("demonstration", "cards")

    def flask(self, *command: str) -> str:
        """Run one of the server's commands and return what it said.

        Raises:
            PreparationFailed: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *command],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PreparationFailed(f"flask {' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def write_bridge_settings(self, inserted: Mapping[str, str] | None = None) -> None:
        """Tell the bridge which page and which server it may trust.

        ``inserted`` names the card that each virtual reader holds when the bridge starts.
        """
        key = load_pem_private_key((self.keys / "TICKET_KEY").read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(public).decode().rstrip("=")
        lines = [
            f"origins = [{json.dumps(self.origin)}]",
            f"readers = {json.dumps(self.readers)}",
            f"first_port = {self.bridge_port}",
            f"state = {json.dumps(str(self.bridge_settings.parent))}",
            f"tick = {self.tick}",
            f"busy = {self.busy}",
            "",
            "[[keys]]",
            'kty = "OKP"',
            'crv = "Ed25519"',
            f"x = {json.dumps(x)}",
            "",
            "[virtual]",
            f"readers = {json.dumps(READERS)}",
            f"cards = {json.dumps(str(self.cards))}",
            "desk = true",
            "",
            "[virtual.inserted]",
            *(f"{json.dumps(at)} = {json.dumps(card)}" for at, card in (inserted or {}).items()),
        ]
        self.bridge_settings.parent.mkdir(parents=True, exist_ok=True)
        self.bridge_settings.write_text("\n".join(lines) + "\n")
        self.cards.mkdir(parents=True, exist_ok=True)

    def forget(self) -> None:
        """Remove everything that this installation has kept."""
        shutil.rmtree(self.folder, ignore_errors=True)

    # What runs

    def start_bridge(self, family: Family) -> Program:
        self.bridge_port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "reader_bridge", "--config", self.bridge_settings]
        options = ["--port-file", self.bridge_port_file]
        return self._start(family, self.pc, command + options, self.bridge_port_file.exists)

    def start_server(self, family: Family) -> Program:
        command = [
            Path(sys.executable).parent / "granian",
            *("--interface", "wsgi", "--host", HOST, "--port", str(self.port)),
            *("--workers", str(self.workers), "--blocking-threads", "1"),
            *("--no-access-log", "--workers-kill-timeout", "3"),
            "wsgi:app",
        ]
        return self._start(family, "server", command, self.server_answers)

    def start_mail_catcher(self, family: Family) -> Program:
        command = [sys.executable, "-m", "tools.mail_catcher"]
        options = ["--port", str(self.mail_port), "--folder", str(self.mail)]
        return self._start(
            family, "mail catcher", command + options, lambda: not is_free(self.mail_port)
        )

    def start_delivery(self, family: Family) -> Program:
        command = [
            sys.executable,
            "-m",
            "flask",
            "--app",
            "wsgi",
            "mail",
            "deliver",
            "--every",
            "2",
            "--remind-every",
            "10",
        ]
        return self._start(family, "mail delivery", command, lambda: True)

    def _start(
        self, family: Family, name: str, command: Sequence[str | Path], ready: Callable[[], bool]
    ) -> Program:
        return family.start(name, command, environment=self.environment, ready=ready)

    def server_answers(self) -> bool:
        """Say whether the server is there: any answer of its is one."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def bridge_listens_on(self) -> int:
        """The port of the running bridge: the first free one of its ten."""
        return int(self.bridge_port_file.read_text())

    @property
    def bridge_address(self) -> str:
        """Where the running bridge listens."""
        return f"ws://{HOST}:{self.bridge_listens_on}{PATH}"
