"""The virtual card's passcode, PUK and management key.

[piv2] = NIST SP 800-73-4 part 2.
"""

import hmac
import secrets

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from reader_bridge.piv import tlv
from reader_bridge.piv.management import ALGORITHMS, ManagementAlgorithm
from reader_bridge.piv.pin import PIN_LENGTH, Reference
from reader_bridge.virtual.inside import (
    SW_NO_SUCH_REFERENCE,
    SW_NOT_AUTHENTICATED,
    SW_UNKNOWN_INSTRUCTION,
    SW_WRONG_DATA,
    SW_WRONG_LENGTH,
    SW_WRONG_PARAMETERS,
    Inside,
    Received,
    Refused,
)
from reader_bridge.virtual.state import Secret

MOST_TRIES_TOLD = 15  # 63Cx has one digit


def verify(card: Inside, command: Received) -> bytes:
    """VERIFY ([piv2] 3.2.1). Without data it is a question; P1=FF forgets the passcode."""
    if command.p2 != Reference.PASSCODE:
        raise Refused(SW_NO_SUCH_REFERENCE)
    if command.p1 == 0xFF and not command.data:
        card.powered.forget_passcode()
        return b""
    if command.p1 != 0:
        raise Refused(SW_WRONG_PARAMETERS)
    if not command.data:
        if card.powered.passcode_verified:
            return b""
        raise Refused(_tries_sw(card, card.state.passcode))
    card.powered.forget_passcode()
    if not _fits(card, command.data, Reference.PASSCODE):
        if card.behaviour.malformed_verify_costs_a_try and card.state.passcode.left:
            card.state.passcode.left -= 1
            card.state.save()
        raise Refused(SW_WRONG_DATA)
    _compare(card, card.state.passcode, command.data)
    card.powered.remember_passcode()
    return b""


def change_reference_data(card: Inside, command: Received) -> bytes:
    """CHANGE REFERENCE DATA ([piv2] 3.2.2) of the passcode or the PUK."""
    secret = _secret(card, command.p2)
    old, new = _two(command)
    if not _fits(card, new, command.p2):
        raise Refused(SW_WRONG_DATA)
    if command.p2 == Reference.PASSCODE:
        card.powered.forget_passcode()
    _compare(card, secret, old)
    secret.value = new
    card.state.save()
    if command.p2 == Reference.PASSCODE and card.behaviour.change_verifies:
        card.powered.remember_passcode()
    return b""


def reset_retry_counter(card: Inside, command: Received) -> bytes:
    """RESET RETRY COUNTER ([piv2] 3.2.3): a new passcode, with the PUK."""
    if command.p2 != Reference.PASSCODE:
        raise Refused(SW_NO_SUCH_REFERENCE)
    puk, new = _two(command)
    if not _fits(card, new, Reference.PASSCODE):
        raise Refused(SW_WRONG_DATA)
    _compare(card, card.state.puk, puk)
    passcode = card.state.passcode
    passcode.value, passcode.left = new, passcode.tries
    card.state.save()
    card.powered.forget_passcode()
    if card.behaviour.reset_retry_verifies:
        card.powered.remember_passcode()
    return b""


def set_retry_counts(card: Inside, command: Received) -> bytes:
    """Yubico's INS FA: both secrets get the factory's values and new counts."""
    if not card.behaviour.retry_counts_settable:
        raise Refused(SW_UNKNOWN_INSTRUCTION)
    card.demand_management()
    if not card.powered.passcode_verified:
        raise Refused(SW_NOT_AUTHENTICATED)
    if not command.p1 or not command.p2:
        raise Refused(SW_WRONG_DATA)
    card.state.passcode = Secret.fresh(card.behaviour.factory_passcode, command.p1)
    card.state.puk = Secret.fresh(card.behaviour.factory_puk, command.p2)
    card.state.save()
    return b""


def set_management_key(card: Inside, command: Received) -> bytes:
    """Yubico's INS FF: a new management key, of any of the four algorithms."""
    if not card.behaviour.management_key_settable:
        raise Refused(SW_UNKNOWN_INSTRUCTION)
    card.demand_management()
    if command.p1 != 0xFF or command.p2 not in (0xFE, 0xFF) or len(command.data) < 3:
        raise Refused(SW_WRONG_PARAMETERS)
    identifier, reference, length = command.data[:3]
    key = command.data[3:]
    algorithm = _algorithm(identifier)
    if reference != 0x9B or length != len(key) or algorithm is None or len(key) != algorithm.key:
        raise Refused(SW_WRONG_DATA)
    if not any(key) and not card.behaviour.accepts_zero_management_key:
        raise Refused(SW_WRONG_DATA)
    card.state.management_algorithm, card.state.management_key = algorithm.name, key
    card.state.save()
    return b""


def authenticate_management(card: Inside, command: Received, items: dict[int, bytes]) -> bytes:
    """GENERAL AUTHENTICATE with 9B ([piv2] appendix A.1): mutual or external authentication."""
    algorithm = _algorithm(command.p1)
    if algorithm is None or algorithm.name != card.state.management_algorithm:
        raise Refused(SW_WRONG_PARAMETERS)
    powered = card.powered
    if items.get(0x80) == b"":
        _begin(card)
        powered.witness = secrets.token_bytes(algorithm.block)
        return tlv.encode(0x80, _encrypt(card, powered.witness))
    if items.get(0x81) == b"":
        _begin(card)
        powered.challenge = secrets.token_bytes(algorithm.block)
        return tlv.encode(0x81, powered.challenge)
    if items.get(0x80) and len(items.get(0x81, b"")) == algorithm.block:
        expected, powered.witness = powered.witness, None
        if expected is None or not hmac.compare_digest(items[0x80], expected):
            powered.forget_management()
            raise Refused(SW_NOT_AUTHENTICATED)
        deceived = card.behaviour.empty_82_deceives and 0x82 in items
        powered.management_authenticated = not deceived
        return tlv.encode(0x82, _encrypt(card, items[0x81]))
    if items.get(0x82):
        challenge, powered.challenge = powered.challenge, None
        if challenge is None or not hmac.compare_digest(items[0x82], _encrypt(card, challenge)):
            powered.forget_management()
            raise Refused(SW_NOT_AUTHENTICATED)
        powered.management_authenticated = True
        return b""
    raise Refused(SW_WRONG_DATA)


def _begin(card: Inside) -> None:
    if card.behaviour.new_witness_ends_authentication:
        card.powered.forget_management()


def _algorithm(identifier: int) -> ManagementAlgorithm | None:
    identifier = 0x03 if identifier == 0x00 else identifier  # 00 is 3DES, too ([alg] table 6-2)
    return next((a for a in ALGORITHMS.values() if a.identifier == identifier), None)


def _encrypt(card: Inside, block: bytes) -> bytes:
    key = card.state.management_key
    triple = card.state.management_algorithm == "3DES"
    # One block of a challenge: the standard's own use of the bare cipher.
    cipher = Cipher(TripleDES(key) if triple else algorithms.AES(key), modes.ECB())  # noqa: S305
    encryptor = cipher.encryptor()
    return encryptor.update(block) + encryptor.finalize()


def _secret(card: Inside, reference: int) -> Secret:
    if reference == Reference.PASSCODE:
        return card.state.passcode
    if reference == Reference.PUK:
        return card.state.puk
    raise Refused(SW_NO_SUCH_REFERENCE)


def _two(command: Received) -> tuple[bytes, bytes]:
    if command.p1 != 0:
        raise Refused(SW_WRONG_PARAMETERS)
    if len(command.data) != 2 * PIN_LENGTH:
        raise Refused(SW_WRONG_LENGTH)
    return command.data[:PIN_LENGTH], command.data[PIN_LENGTH:]


def _compare(card: Inside, secret: Secret, offered: bytes) -> None:
    """Compare and count: a match gives all attempts back."""
    if not secret.left:
        raise Refused(card.behaviour.blocked_sw)
    if not hmac.compare_digest(secret.value, offered):
        secret.left -= 1
        card.state.save()
        last = not secret.left
        raise Refused(card.behaviour.last_wrong_sw if last else _tries_sw(card, secret))
    if secret.left != secret.tries:
        secret.left = secret.tries
        card.state.save()


def _tries_sw(card: Inside, secret: Secret) -> int:
    if not secret.left:
        return card.behaviour.blocked_sw
    return 0x63C0 | min(secret.left, MOST_TRIES_TOLD)


def _fits(card: Inside, padded: bytes, reference: int) -> bool:
    """Say whether a secret fits the card's own rule: length, characters, FF only at the end."""
    if len(padded) != PIN_LENGTH:
        return False
    text = padded.rstrip(b"\xff")
    behaviour = card.behaviour
    if not text and behaviour.accepts_empty_passcode:
        return True
    shortest = behaviour.passcode_min if reference == Reference.PASSCODE else PIN_LENGTH
    longest = behaviour.passcode_max if reference == Reference.PASSCODE else PIN_LENGTH
    if not shortest <= len(text) <= longest:
        return False
    if behaviour.digits_only:
        return text.isdigit()
    return all(0x21 <= byte <= 0x7E for byte in text)
