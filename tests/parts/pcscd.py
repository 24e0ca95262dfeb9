"""A PC/SC daemon of a test's own, with two virtual readers to put virtual cards in.

The daemon runs in a mount namespace with its own folder over /run/pcscd, so that the system's
daemon and its readers are never touched. Programs find it by the environment that it gives them.
"""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reader_bridge.virtual.vpcd import INSERTED

SYSTEM_FOLDER = Path("/run/pcscd")
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
PROGRAMS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin", "/sbin"))
# Below the ports that systems hand out by themselves, so that only daemons like this one compete.
PORTS = range(20_000, 32_000, 2)
START_SECONDS = 10
ATTEMPTS = 20
SLOTS = (0, 1)


class MissingPart(Exception):
    """Something that the tests need is not installed or not allowed. Says what to do."""


class PrivatePcscd:
    """One daemon with two readers, slots 0 and 1.

    ``environment`` is what a client program needs: a whole environment with the daemon's socket.
    """

    def __init__(self, *, programs: str = PROGRAMS, driver: Path = DRIVER) -> None:
        self._programs = programs
        self._driver = driver
        self._daemon: subprocess.Popen[bytes] | None = None
        self._cards: dict[int, subprocess.Popen[str]] = {}
        self._port = 0
        self.folder = Path(tempfile.mkdtemp(prefix="pcscd-"))  # short: a socket's path is limited

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PCSCLITE_CSOCK_NAME": str(self.socket)}

    @property
    def socket(self) -> Path:
        return self.folder / "pcscd.comm"

    @property
    def log(self) -> Path:
        return self.folder / "pcscd.log"

    @staticmethod
    def reader(slot: int) -> str:
        """The name under which PC/SC lists the reader of a slot."""
        return f"Virtual PCD 00 {slot:02d}"

    def start(self) -> None:
        """Start the daemon and wait until both readers are there.

        Raises:
            MissingPart: with what to install or allow.
        """
        self._demand_parts()
        for _ in range(ATTEMPTS):
            # One at a time, from choosing two ports until the daemon has them.
            with (Path(tempfile.gettempdir()) / f"private-pcscd-{os.getuid()}.lock").open(
                "w"
            ) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._port = self._port or _two_free_ports()
                self._launch()
                if self._is_up():
                    return
            said = self.log.read_text(errors="replace")
            self._end_daemon()
            if "unshare" in said or "mount" in said:
                raise MissingPart(f"No mount namespace of our own: {said.strip()}")
            self._port = 0
        raise MissingPart(f"pcscd did not start: {said.strip()[-500:]}")

    def stop(self) -> None:
        """Take the cards out and end the daemon."""
        for slot in tuple(self._cards):
            self.remove(slot)
        self._end_daemon()

    def restart(self) -> None:
        """End the daemon and start it again on the same socket, as an update of the system does."""
        self.stop()
        self.start()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def insert(self, slot: int, card: Path) -> None:
        """Put a virtual card into a reader. PC/SC notices within half a second."""
        assert slot in SLOTS, f"no slot {slot}"
        assert slot not in self._cards, f"there is a card in slot {slot}"
        command = [sys.executable, "-m", "reader_bridge.virtual.vpcd"]
        process = subprocess.Popen(
            [*command, "--port", str(self._port + slot), str(card)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout
        said = process.stdout.readline().strip()
        assert said == INSERTED, f"the virtual card ended: {said}"
        self._cards[slot] = process

    def remove(self, slot: int) -> None:
        """Take the card out, as suddenly as a hand does."""
        process = self._cards.pop(slot)
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

    def _found(self, program: str) -> str | None:
        return shutil.which(program, path=self._programs)

    def _demand_parts(self) -> None:
        if not self._found("pcscd"):
            raise MissingPart("pcscd is not installed: sudo apt-get install pcscd")
        if not self._driver.exists():
            install = "sudo apt-get install vsmartcard-vpcd"
            raise MissingPart(f"{self._driver} is missing: {install}")
        if not self._found("unshare") or not self._found("setpriv"):
            raise MissingPart("unshare or setpriv is missing: sudo apt-get install util-linux")
        try:
            SYSTEM_FOLDER.mkdir(exist_ok=True)
        except OSError as error:
            raise MissingPart(f"There is no folder {SYSTEM_FOLDER}: sudo mkdir it") from error

    def _launch(self) -> None:
        settings = self.folder / "reader.conf"
        settings.write_text(
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{self._port:04X}\n'
            f"LIBPATH {self._driver}\nCHANNELID 0x{self._port:04X}\n"
        )
        # The daemon ends with the test that started it, however that ends.
        enter = ["setpriv", "--pdeathsig", "KILL", "unshare"]
        enter += ["-m"] if os.geteuid() == 0 else ["-Urm"]
        script = f'mount --bind "{self.folder}" {SYSTEM_FOLDER} && exec "$0" -f -c "$1"'
        with self.log.open("wb") as log:
            self._daemon = subprocess.Popen(
                [*enter, "sh", "-c", script, self._found("pcscd"), str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _is_up(self) -> bool:
        assert self._daemon
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._daemon.poll() is None:
            if self.socket.exists() and not any(_is_free(self._port + slot) for slot in SLOTS):
                return True
            time.sleep(0.02)
        return False

    def _end_daemon(self) -> None:
        if self._daemon is None:
            return
        self._daemon.send_signal(signal.SIGTERM)
        try:
            self._daemon.wait(5)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()
        self._daemon = None
        for left in ("pcscd.comm", "pcscd.pid"):
            (self.folder / left).unlink(missing_ok=True)


@contextmanager
def running_pcscd(*, programs: str = PROGRAMS, driver: Path = DRIVER) -> Iterator[PrivatePcscd]:
    """A daemon that runs as long as the ``with`` block. Raises as PrivatePcscd.start."""
    daemon = PrivatePcscd(programs=programs, driver=driver)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()


@pytest.fixture
def private_pcscd() -> Iterator[PrivatePcscd]:
    """A PC/SC daemon for one test; fails with a sentence where it cannot be had."""
    try:
        with running_pcscd() as daemon:
            yield daemon
    except MissingPart as error:
        pytest.fail(str(error), pytrace=False)


def _two_free_ports() -> int:
    for _ in range(ATTEMPTS):
        port = random.choice(PORTS)
        if all(_is_free(port + slot) for slot in SLOTS):
            return port
    raise MissingPart("no two free ports side by side")


def _is_free(port: int) -> bool:
    """Say whether nobody listens on a port. Never connects: that would put a card in."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OSError:
            return False
        return True
