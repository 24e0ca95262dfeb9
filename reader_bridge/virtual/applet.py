"""A PIV card in software: APDUs in, APDUs out, nothing else. What it keeps is in state.py.

[iso] = ISO/IEC 7816-4, [piv2] = NIST SP 800-73-4 part 2.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import xor
from pathlib import Path

from reader_bridge.piv import management, tlv
from reader_bridge.piv.apdu import CLA_CHAINED, INS_GET_RESPONSE, LARGEST_ANSWER
from reader_bridge.piv.card import INS_RESET, INS_SELECT, INS_SERIAL, PIV_APPLICATION
from reader_bridge.piv.errors import MalformedAnswer
from reader_bridge.piv.keys import INS_ATTEST, INS_GENERAL_AUTHENTICATE, INS_GENERATE_ASYMMETRIC
from reader_bridge.piv.objects import INS_GET_DATA, INS_PUT_DATA
from reader_bridge.piv.pin import (
    INS_CHANGE_REFERENCE_DATA,
    INS_METADATA,
    INS_RESET_RETRY_COUNTER,
    INS_SET_RETRIES,
    INS_VERIFY,
)
from reader_bridge.virtual import authentication, key_pairs, storage, vendor
from reader_bridge.virtual.behaviour import Behaviour
from reader_bridge.virtual.inside import (
    SW_NOT_FOUND,
    SW_OK,
    SW_UNKNOWN_INSTRUCTION,
    SW_WRONG_DATA,
    SW_WRONG_LENGTH,
    SW_WRONG_PARAMETERS,
    Inside,
    Powered,
    PrivateKey,
    Received,
    Refused,
)
from reader_bridge.virtual.state import CardState

INS_VERSION = 0xFD
INS_IMPORT_KEY = 0xFE
SW_UNKNOWN_CLASS = 0x6E00
ONE_ANSWER = 256  # bytes in one short response

Handler = Callable[[Inside, Received], bytes]

HANDLERS: dict[int, Handler] = {
    INS_VERIFY: authentication.verify,
    INS_CHANGE_REFERENCE_DATA: authentication.change_reference_data,
    INS_RESET_RETRY_COUNTER: authentication.reset_retry_counter,
    INS_SET_RETRIES: authentication.set_retry_counts,
    management.INS_SET_MANAGEMENT_KEY: authentication.set_management_key,
    INS_GENERAL_AUTHENTICATE: key_pairs.general_authenticate,
    INS_GENERATE_ASYMMETRIC: key_pairs.generate_asymmetric,
    INS_IMPORT_KEY: key_pairs.import_key,
    INS_GET_DATA: storage.get_data,
    INS_PUT_DATA: storage.put_data,
    INS_METADATA: vendor.metadata,
    INS_SERIAL: vendor.serial,
    INS_VERSION: vendor.version,
    INS_RESET: vendor.reset,
    INS_ATTEST: vendor.attest,
}

GONE = b""


class VirtualCard:
    """One virtual card in a reader. Implements reader_bridge.piv.apdu.Channel.

    When the card is torn from its reader, ``transmit`` answers nothing and ``present`` is false
    until ``insert``.
    """

    def __init__(
        self,
        state: CardState,
        behaviour: Behaviour | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        make_key: Callable[[int], PrivateKey] = key_pairs.make_key,
    ) -> None:
        """
        Args:
            sleep: how it takes its time, in seconds.
            make_key: where its key pairs come from, by the algorithm's number.
        """
        self.state = state
        if behaviour is not None:
            state.behaviour = behaviour
        self._sleep = sleep
        self._make_key = make_key
        self.present = True
        self._sent = 0
        self.reset()

    @classmethod
    def load(cls, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> "VirtualCard":
        """The card of a file. Raises as CardState.load."""
        return cls(CardState.load(path), sleep=sleep)

    @property
    def atr(self) -> bytes:
        """Answer to reset ([iso] part 3, 8.2): T=1, and historical bytes that say it is virtual."""
        kind = b"D" if self.state.behaviour.digits_only else b"A"
        history = b"VirtualPIV/" + kind
        body = bytes((0x80 | len(history), 0x01)) + history
        return b"\x3b" + body + bytes((reduce(xor, body),))

    def reset(self) -> None:
        """Drop every authentication and the selected application, as a loss of power does."""
        self._inside = Inside(
            self.state, self.state.behaviour, Powered(), self._sleep, self._make_key
        )
        self._chain = b""
        self._chained_ins: int | None = None
        self._answer = b""

    def insert(self) -> None:
        """Put the card in again after it was torn out."""
        self.present = True
        self.reset()

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one APDU; nothing at all when the card is gone."""
        if not self.present:
            return GONE
        self._sent += 1
        tear = self.state.behaviour.tear
        torn = tear is not None and self._sent == tear.at
        if torn and tear is not None and not tear.takes_effect:
            return self._tear()
        self._inside.take_time(self.state.behaviour.command_seconds)
        answer = self._receive(apdu)
        return self._tear() if torn else answer

    def _tear(self) -> bytes:
        self.state.behaviour = replace(self.state.behaviour, tear=None)
        self.state.save()
        self.present = False
        self.reset()
        return GONE

    def _receive(self, apdu: bytes) -> bytes:
        try:
            cla, command, extended = self._parse(apdu)
            if command.ins == INS_GET_RESPONSE:
                return self._next_part(extended=False)
            self._answer = b""
            if self._chained_ins not in (None, command.ins):
                self._forget_chain()  # another program's command ends a chain without a word
            if cla & CLA_CHAINED:
                self._hold(command)
                return _status(SW_OK)
            if self._chained_ins is not None:
                command = replace(command, data=self._chain + command.data)
                self._forget_chain()
            self._answer = self._dispatch(command)
        except Refused as refused:
            self._forget_chain()
            return _status(refused.sw)
        except MalformedAnswer:  # the reader of TLV says so of commands, too
            self._forget_chain()
            return _status(SW_WRONG_DATA)
        return self._next_part(extended=extended)

    def _parse(self, apdu: bytes) -> tuple[int, Received, bool]:
        """Take an APDU apart ([iso] 5.2): class, command, whether its lengths are extended."""
        if len(apdu) < 4:
            raise Refused(SW_WRONG_LENGTH)
        cla, ins, p1, p2 = apdu[:4]
        if cla & ~CLA_CHAINED:
            raise Refused(SW_UNKNOWN_CLASS)
        body = apdu[4:]
        extended = len(body) >= 3 and body[0] == 0
        if extended:
            if self.state.behaviour.extended == "refused":
                raise Refused(SW_WRONG_LENGTH)
            length = int.from_bytes(body[1:3], "big") if len(body) > 3 else 0
            data, le = body[3 : 3 + length], body[3 + length :]
            whole = len(data) == length and len(le) in (0, 2)
        elif len(body) <= 1:
            data, whole = b"", True
        else:
            data, le = body[1 : 1 + body[0]], body[1 + body[0] :]
            whole = len(data) == body[0] and len(le) <= 1
        if not whole:
            raise Refused(SW_WRONG_LENGTH)
        return cla, Received(ins, p1, p2, data), extended

    def _hold(self, command: Received) -> None:
        self._chained_ins = command.ins
        self._chain += command.data
        if len(self._chain) > LARGEST_ANSWER:
            raise Refused(SW_WRONG_LENGTH)
        if command.ins == INS_PUT_DATA and self._inside.powered.selected:
            storage.put_part(self._inside, self._chain)

    def _forget_chain(self) -> None:
        self._chain, self._chained_ins = b"", None

    def _dispatch(self, command: Received) -> bytes:
        if command.ins == INS_SELECT:
            return self._select(command)
        powered = self._inside.powered
        if not powered.selected or command.ins not in HANDLERS:
            raise Refused(SW_UNKNOWN_INSTRUCTION)
        if self.state.behaviour.signature_wants_verify_just_before and not _may_follow_verify(
            command
        ):
            powered.passcode_just_verified = False
        return HANDLERS[command.ins](self._inside, command)

    def _select(self, command: Received) -> bytes:
        """SELECT ([piv2] 3.1.1) by the whole identifier or the beginning of it."""
        if command.p1 != 0x04:
            raise Refused(SW_WRONG_PARAMETERS)
        wanted = command.data
        if len(wanted) < 5 or not PIV_APPLICATION.startswith(wanted):
            raise Refused(SW_NOT_FOUND)
        powered = self._inside.powered
        powered.selected = True
        powered.forget_management()
        powered.passcode_just_verified = False
        if not self.state.behaviour.keeps_passcode_across_select:
            powered.forget_passcode()
        return tlv.encode(
            0x61,
            tlv.encode(0x4F, PIV_APPLICATION[5:])
            + tlv.encode(0x79, tlv.encode(0x4F, PIV_APPLICATION[:5]))
            + tlv.encode(0x50, b"Virtual PIV card"),
        )

    def _next_part(self, *, extended: bool) -> bytes:
        """Send what is ready, in parts of 256 bytes unless the answer may be extended."""
        whole = extended and self.state.behaviour.extended == "taken"
        size = len(self._answer) if whole else ONE_ANSWER
        part, self._answer = self._answer[:size], self._answer[size:]
        if not self._answer:
            return part + _status(SW_OK)
        return part + bytes((0x61, len(self._answer) if len(self._answer) < ONE_ANSWER else 0))


def _may_follow_verify(command: Received) -> bool:
    """Say whether 9C may still sign after this command: VERIFY itself, and the signature."""
    if command.ins == INS_VERIFY:
        return True
    return command.ins == INS_GENERAL_AUTHENTICATE and f"{command.p2:02x}" == "9c"


def _status(sw: int) -> bytes:
    return sw.to_bytes(2, "big")
