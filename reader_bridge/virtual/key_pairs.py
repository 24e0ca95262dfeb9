"""The virtual card's key pairs: made, imported and used.

[piv2] = NIST SP 800-73-4 part 2, [alg] = SP 800-78-4.
"""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from reader_bridge.piv import objects, tlv
from reader_bridge.virtual import authentication
from reader_bridge.virtual.inside import (
    SW_FAILED,
    SW_NOT_AUTHENTICATED,
    SW_WRONG_DATA,
    SW_WRONG_PARAMETERS,
    Inside,
    PrivateKey,
    Received,
    Refused,
)
from reader_bridge.virtual.state import StoredKey

RSA_2048 = 0x07
P256 = 0x11
P384 = 0x14
RSA_BYTES = 256
CURVES: dict[int, tuple[type[ec.EllipticCurve], type[hashes.HashAlgorithm], int]] = {
    P256: (ec.SECP256R1, hashes.SHA256, 32),
    P384: (ec.SECP384R1, hashes.SHA384, 48),
}

MANAGEMENT = 0x9B
ATTESTATION = "f9"
SLOTS = frozenset(objects.CERTIFICATES)

# PIN policies, numbered as Yubico's generate and import commands do
SLOTS_OWN, NEVER, ONCE, ALWAYS = 0, 1, 2, 3
USUAL_POLICY = {"9c": ALWAYS, "9e": NEVER}


def generate_asymmetric(card: Inside, command: Received) -> bytes:
    """GENERATE ASYMMETRIC KEY PAIR ([piv2] 3.3.1). The old key is gone at once."""
    card.demand_management()
    slot = _slot(command.p2)
    control = dict(tlv.decode(tlv.only(command.data, 0xAC)))
    algorithm = control.get(0x80, b"")
    if len(algorithm) != 1:
        raise Refused(SW_WRONG_DATA)
    card.take_time(card.behaviour.key_generation_seconds)
    key = card.make_key(algorithm[0])
    _keep(card, slot, key, algorithm[0], control, generated=True)
    return tlv.encode(0x7F49, public_template(key))


def import_key(card: Inside, command: Received) -> bytes:
    """Yubico's INS FE: a key pair from outside, as others' programs use it."""
    card.demand_management()
    slot = _slot(command.p2)
    items = dict(tlv.decode(command.data))
    numbers = {tag: int.from_bytes(value, "big") for tag, value in items.items()}
    key: PrivateKey
    try:
        if command.p1 == RSA_2048:
            p, q = numbers[0x01], numbers[0x02]
            d = rsa.rsa_recover_private_exponent(0x10001, p, q)
            public = rsa.RSAPublicNumbers(0x10001, p * q)
            key = rsa.RSAPrivateNumbers(
                p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q),
                public,
            ).private_key()  # fmt: skip
            if key.key_size != 8 * RSA_BYTES:
                raise Refused(SW_WRONG_DATA)
        else:
            key = ec.derive_private_key(numbers[0x06], CURVES[command.p1][0]())
    except (KeyError, ValueError, ArithmeticError):
        raise Refused(SW_WRONG_DATA) from None
    _keep(card, slot, key, command.p1, items, generated=False)
    return b""


def general_authenticate(card: Inside, command: Received) -> bytes:
    """GENERAL AUTHENTICATE ([piv2] 3.2.4): management authentication, or a private key's use."""
    items = dict(tlv.decode(tlv.only(command.data, 0x7C)))
    if command.p2 == MANAGEMENT:
        inner = authentication.authenticate_management(card, command, items)
        return tlv.encode(0x7C, inner) if inner else b""
    slot = _slot(command.p2)
    if card.behaviour.signature_drops_witness:
        card.powered.witness = None
    held = held_key(card, slot, command.p1)
    blocked = not card.state.passcode.left and not card.state.puk.left
    if blocked and card.behaviour.dead_when_both_blocked:
        raise Refused(SW_FAILED)
    _demand_passcode(card, slot, held)
    card.take_time(card.behaviour.signature_seconds)
    key = load(held)
    if 0x85 in items:
        result = _agree(key, items[0x85])
    else:
        result = _operate(key, items.get(0x81, b""), command.p1)
    return tlv.encode(0x7C, tlv.encode(0x82, result))


def held_key(card: Inside, slot: str, algorithm: int) -> StoredKey:
    """The slot's key of this algorithm."""
    held = card.state.keys.get(slot, [])
    for key in held:
        if key.algorithm == algorithm:
            return key
    raise Refused(SW_WRONG_PARAMETERS if held else card.behaviour.empty_slot_sw)


def policy(slot: str, key: StoredKey) -> int:
    return key.pin_policy or USUAL_POLICY.get(slot, ONCE)


def make_key(algorithm: int) -> PrivateKey:
    if algorithm == RSA_2048:
        return rsa.generate_private_key(public_exponent=0x10001, key_size=8 * RSA_BYTES)
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm][0]())
    raise Refused(SW_WRONG_DATA)


def store(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load(stored: StoredKey) -> PrivateKey:
    key = load_der_private_key(stored.private, None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Refused(SW_FAILED)
    return key


def public_template(key: PrivateKey) -> bytes:
    """The public key as GENERATE and the metadata answer it."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        modulus = numbers.n.to_bytes(RSA_BYTES, "big")
        return tlv.encode(0x81, modulus) + tlv.encode(0x82, numbers.e.to_bytes(3, "big"))
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return tlv.encode(0x86, point)


def _slot(reference: int) -> str:
    slot = f"{reference:02x}"
    if slot not in SLOTS:
        raise Refused(SW_WRONG_PARAMETERS)
    return slot


def _keep(
    card: Inside,
    slot: str,
    key: PrivateKey,
    algorithm: int,
    policies: dict[int, bytes],
    *,
    generated: bool,
) -> None:
    new = StoredKey(
        algorithm,
        store(key),
        generated,
        _policy(policies.get(0xAA)),
        _policy(policies.get(0xAB)),
    )
    stays = [
        old
        for old in card.state.keys.get(slot, [])
        if card.behaviour.keeps_rsa_beside_ec and old.algorithm != algorithm
    ]
    card.state.keys[slot] = [new, *stays]
    card.state.save()


def _policy(value: bytes | None) -> int:
    if value is None:
        return SLOTS_OWN
    if len(value) != 1 or value[0] > ALWAYS:
        raise Refused(SW_WRONG_DATA)
    return value[0]


def _demand_passcode(card: Inside, slot: str, key: StoredKey) -> None:
    wanted = policy(slot, key)
    powered = card.powered
    if wanted == NEVER:
        return
    if not powered.passcode_verified:
        raise Refused(SW_NOT_AUTHENTICATED)
    if wanted == ALWAYS:
        if not powered.passcode_just_verified:
            raise Refused(SW_NOT_AUTHENTICATED)
        powered.passcode_just_verified = False


def _operate(key: PrivateKey, payload: bytes, algorithm: int) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        value = int.from_bytes(payload, "big")
        numbers = key.private_numbers()
        if len(payload) != RSA_BYTES or value >= numbers.public_numbers.n:
            raise Refused(SW_WRONG_DATA)
        # The bare operation: the host pads, and decrypts with the same command.
        first = pow(value, numbers.dmp1, numbers.p)
        second = pow(value, numbers.dmq1, numbers.q)
        high = (first - second) * numbers.iqmp % numbers.p
        return (second + high * numbers.q).to_bytes(RSA_BYTES, "big")
    if not payload:
        raise Refused(SW_WRONG_DATA)
    _, digest, size = CURVES[algorithm]
    fitted = payload[:size].rjust(size, b"\x00")
    return key.sign(fitted, ec.ECDSA(Prehashed(digest())))


def _agree(key: PrivateKey, point: bytes) -> bytes:
    """ECDH: the x coordinate that both sides get."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refused(SW_WRONG_DATA)
    try:
        other = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point)
    except ValueError:
        raise Refused(SW_WRONG_DATA) from None
    return key.exchange(ec.ECDH(), other)
