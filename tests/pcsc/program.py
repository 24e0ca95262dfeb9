"""A program that uses a card through PC/SC, in a process of its own: one context per process.

As ``python -m tests.pcsc.program`` it reads one JSON request a line and answers with one line.
As a module it is the other end: ``Program`` starts such a process and asks it.
"""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from smartcard import scard

PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
LEAVE, RESET = scard.SCARD_LEAVE_CARD, scard.SCARD_RESET_CARD
WAIT_MILLISECONDS = 10_000


class Program:
    """One program; its ``with`` block is its life."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pcsc.program"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()

    def readers(self) -> list[str]:
        found: list[str] = self._ask("readers")
        return found

    def wait(self, reader: str, *, present: bool) -> bytes:
        """Wait until the reader has a card, or has none. Returns the ATR."""
        return bytes.fromhex(self._ask("wait", reader=reader, present=present))

    def connect(self, reader: str) -> None:
        self.wait(reader, present=True)
        self._ask("connect", reader=reader)

    def reconnect(self) -> None:
        self._ask("reconnect")

    def disconnect(self, *, reset: bool) -> None:
        self._ask("disconnect", disposition=RESET if reset else LEAVE)

    def begin(self) -> None:
        self._ask("begin")

    def end(self, *, reset: bool = False) -> None:
        self._ask("end", disposition=RESET if reset else LEAVE)

    def transmit(self, apdu: bytes) -> bytes:
        """Implements reader_bridge.piv.apdu.Channel: nothing back when PC/SC reports an error."""
        return bytes.fromhex(self._ask("transmit", apdu=apdu.hex()))

    def _ask(self, action: str, **fields: object) -> Any:
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"action": action, **fields}) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["ok"]


class _Card:
    """The process's side: one context, one card handle."""

    def __init__(self) -> None:
        code, self.context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        _check(code)
        self.handle: Any = None
        self.protocol = 0

    def readers(self) -> list[str]:
        code, names = scard.SCardListReaders(self.context, [])
        _check(code)
        return list(names)

    def wait(self, reader: str, present: bool) -> str:
        state = scard.SCARD_STATE_UNAWARE
        while True:
            code, states = scard.SCardGetStatusChange(
                self.context, WAIT_MILLISECONDS, [(reader, state)]
            )
            _check(code)
            _, state, atr = states[0]
            if bool(state & scard.SCARD_STATE_PRESENT) is present:
                return bytes(atr).hex()

    def connect(self, reader: str) -> None:
        code, self.handle, self.protocol = scard.SCardConnect(
            self.context, reader, scard.SCARD_SHARE_SHARED, PROTOCOLS
        )
        _check(code)

    def reconnect(self) -> None:
        code, self.protocol = scard.SCardReconnect(
            self.handle, scard.SCARD_SHARE_SHARED, PROTOCOLS, LEAVE
        )
        _check(code)

    def disconnect(self, disposition: int) -> None:
        _check(scard.SCardDisconnect(self.handle, disposition))

    def begin(self) -> None:
        _check(scard.SCardBeginTransaction(self.handle))

    def end(self, disposition: int) -> None:
        _check(scard.SCardEndTransaction(self.handle, disposition))

    def transmit(self, apdu: str) -> str:
        code, answer = scard.SCardTransmit(
            self.handle,
            scard.SCARD_PCI_T1 if self.protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0,
            list(bytes.fromhex(apdu)),
        )
        return bytes(answer).hex() if code == scard.SCARD_S_SUCCESS else ""


def _check(code: int) -> None:
    if code != scard.SCARD_S_SUCCESS:
        raise OSError(scard.SCardGetErrorMessage(code))


def main() -> None:
    card = _Card()
    for line in sys.stdin:
        fields = json.loads(line)
        try:
            answer = {"ok": getattr(card, fields.pop("action"))(**fields)}
        except OSError as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
