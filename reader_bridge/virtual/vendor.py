"""What the standard does not have and several makes of card do, numbered as Yubico numbers it."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from reader_bridge.piv import tlv
from reader_bridge.piv.management import ALGORITHMS
from reader_bridge.piv.pin import Reference
from reader_bridge.virtual import key_pairs
from reader_bridge.virtual.inside import (
    SW_CONDITIONS,
    SW_NO_SUCH_REFERENCE,
    SW_OK,
    SW_UNKNOWN_INSTRUCTION,
    SW_WRONG_PARAMETERS,
    Inside,
    PrivateKey,
    Received,
    Refused,
)
from reader_bridge.virtual.state import Secret, StoredKey

PASSCODE_OR_PUK_ALGORITHM = b"\xff"
ATTESTATION_LIFE = datetime.timedelta(days=3650)


def serial(card: Inside, command: Received) -> bytes:
    """INS F8: four bytes."""
    if card.state.serial is None:
        raise Refused(SW_UNKNOWN_INSTRUCTION)
    return card.state.serial.to_bytes(4, "big")


def version(card: Inside, command: Received) -> bytes:
    """INS FD: three bytes."""
    if card.behaviour.version is None:
        raise Refused(SW_UNKNOWN_INSTRUCTION)
    return bytes(card.behaviour.version)


def reset(card: Inside, command: Received) -> bytes:
    """INS FB: back to the factory's state, once passcode and PUK are blocked."""
    if not card.behaviour.resettable:
        raise Refused(SW_UNKNOWN_INSTRUCTION)
    if card.state.passcode.left or card.state.puk.left:
        raise Refused(SW_CONDITIONS)
    card.state.restore_factory_state()
    card.state.save()
    card.powered.forget_passcode()
    card.powered.forget_management()
    return b""


def metadata(card: Inside, command: Received) -> bytes:
    """INS F7: what the card knows of a key or a secret."""
    if not card.behaviour.metadata:
        raise Refused(SW_UNKNOWN_INSTRUCTION)
    if command.p2 == Reference.PASSCODE:
        return _secret(card.state.passcode, card.behaviour.factory_passcode)
    if command.p2 == Reference.PUK:
        return _secret(card.state.puk, card.behaviour.factory_puk)
    if command.p2 == key_pairs.MANAGEMENT:
        algorithm = ALGORITHMS[card.state.management_algorithm].identifier
        is_default = card.state.management_key == card.behaviour.factory_management_key
        return _items(algorithm, (0, 1), bytes((is_default,)))
    slot = f"{command.p2:02x}"
    if slot not in key_pairs.SLOTS and slot != key_pairs.ATTESTATION:
        raise Refused(SW_WRONG_PARAMETERS)
    held = card.state.keys.get(slot)
    if not held:
        if card.behaviour.empty_slot_metadata_sw == SW_OK:
            return b""
        raise Refused(card.behaviour.empty_slot_metadata_sw)
    key = held[0]
    return (
        tlv.encode(0x01, bytes((key.algorithm,)))
        + tlv.encode(0x02, bytes((key_pairs.policy(slot, key), key.touch_policy or 1)))
        + tlv.encode(0x03, b"\x01" if key.generated else b"\x02")
        + tlv.encode(0x04, key_pairs.public_template(key_pairs.load(key)))
    )


def attest(card: Inside, command: Received) -> bytes:
    """INS F9: a certificate for a key that was made on the card, by the card's own key."""
    if card.behaviour.attestation == "none":
        raise Refused(SW_UNKNOWN_INSTRUCTION)
    slot = f"{command.p1:02x}"
    held = card.state.keys.get(slot)
    if slot not in key_pairs.SLOTS or not held or not held[0].generated:
        raise Refused(SW_NO_SUCH_REFERENCE)
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(f"Virtual PIV Attestation {slot}"))
        .issuer_name(_name("Virtual PIV card"))
        .public_key(key_pairs.load(held[0]).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + ATTESTATION_LIFE)
        .sign(_attestation_key(card), hashes.SHA256())
    )
    der = certificate.public_bytes(Encoding.DER)
    return der[:-1] if card.behaviour.attestation == "short" else der


def _attestation_key(card: Inside) -> PrivateKey:
    held = card.state.keys.get(key_pairs.ATTESTATION)
    if not held:
        made = key_pairs.store(card.make_key(key_pairs.P256))
        held = [StoredKey(key_pairs.P256, made)]
        card.state.keys[key_pairs.ATTESTATION] = held
        card.state.save()
    return key_pairs.load(held[0])


def _secret(secret: Secret, factory: str) -> bytes:
    is_default = secret.value == Secret.fresh(factory, 1).value
    tries = tlv.encode(0x06, bytes((secret.tries, secret.left)))
    return (
        tlv.encode(0x01, PASSCODE_OR_PUK_ALGORITHM) + tlv.encode(0x05, bytes((is_default,))) + tries
    )


def _items(algorithm: int, policies: tuple[int, int], is_default: bytes) -> bytes:
    return (
        tlv.encode(0x01, bytes((algorithm,)))
        + tlv.encode(0x02, bytes(policies))
        + tlv.encode(0x05, is_default)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
