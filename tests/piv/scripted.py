"""A card, and a channel to one, that play a script and fail the test on anything else."""

from types import TracebackType
from typing import Self

from reader_bridge.piv.apdu import Command, Response


class _Script:
    """``exchanges`` are pairs of hex: what must be sent, and what is answered (status last)."""

    def __init__(self, *exchanges: tuple[str, str]) -> None:
        self._exchanges = [(bytes.fromhex(sent), bytes.fromhex(said)) for sent, said in exchanges]

    def play(self, sent: bytes) -> bytes:
        assert self._exchanges, f"the script is over, but the card was sent {sent.hex(' ')}"
        expected, answer = self._exchanges.pop(0)
        assert sent == expected, f"sent {sent.hex(' ')}, script has {expected.hex(' ')}"
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert kind or not self._exchanges, f"{len(self._exchanges)} exchanges never happened"


class ScriptedChannel(_Script):
    """Single APDUs, as a reader carries them."""

    def transmit(self, apdu: bytes) -> bytes:
        return self.play(apdu)


class ScriptedCard(_Script):
    """Whole commands."""

    def transmit(self, command: Command) -> Response:
        answer = self.play(bytes(command))
        return Response(answer[:-2], int.from_bytes(answer[-2:], "big"))
