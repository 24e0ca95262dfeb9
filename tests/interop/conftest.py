"""A virtual card in a private PC/SC daemon, and other people's programs to use it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reader_bridge.virtual.state import CardState, new_card
from tests.parts.pcscd import PrivatePcscd, private_pcscd
from tests.pcsc.program import Program

__all__ = ["private_pcscd"]

PACKAGES = {
    "opensc-tool": "opensc",
    "piv-tool": "opensc",
    "pkcs15-tool": "opensc",
    "pkcs11-tool": "opensc",
    "yubico-piv-tool": "yubico-piv-tool",
    "openssl": "openssl",
}


class Tools:
    """Runs programs where the card is; ``folder`` is where they leave their files."""

    def __init__(self, folder: Path, pcscd: PrivatePcscd) -> None:
        self.folder = folder
        self._environment = {**pcscd.environment, "HOME": str(folder)}

    def run(
        self, *command: str, succeeds: bool | None = True, says: str = "", **environment: str
    ) -> str:
        """Run a program to its end, with more in its environment, and return what it said.

        ``succeeds`` is None where its exit status says something else; ``says`` is what is typed.
        """
        program = command[0]
        if shutil.which(program) is None:
            pytest.fail(f"{program} is missing: sudo apt-get install {PACKAGES[program]}")
        done = subprocess.run(
            command,
            env=self._environment | environment,
            cwd=self.folder,
            text=True,
            input=says,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )
        assert succeeds in (None, done.returncode == 0), f"{' '.join(command)}: {done.stdout}"
        return done.stdout


@pytest.fixture
def put_in(private_pcscd: PrivatePcscd, tmp_path: Path) -> Callable[[str], CardState]:
    """Make a card that behaves as named and put it into the first reader."""

    def put(behaviour: str) -> CardState:
        path = tmp_path / "card.json"
        state = new_card(path, behaviour=behaviour, label="Interoperability", serial=1_234_567_890)
        private_pcscd.insert(0, path)
        with Program(private_pcscd.environment) as program:
            program.wait(private_pcscd.reader(0), present=True)
        return state

    return put


@pytest.fixture
def tools(tmp_path: Path, private_pcscd: PrivatePcscd) -> Tools:
    return Tools(tmp_path, private_pcscd)
