"""Secrets of a card: sealed at rest by the vault, and sealed once for the bridge that sets them."""

import json
import secrets

from joserfc import jwe
from joserfc.jwk import OKPKey

from app.card_operations.makes import factory_settings
from app.card_operations.management import ManagementKey
from app.domain.puk import Puk, PukDoubt
from app.models import BridgeConnection, Card
from app.vault import Vault

PUK_DIGITS = 8  # digits alone: some cards refuse letters


def for_bridge(connection: BridgeConnection, secret: bytes) -> str:
    """Seal for one connection of one bridge: compact JWE, ECDH-ES on X25519, A256GCM."""
    key = OKPKey.import_key(connection.ek)
    return jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, secret, key)


def candidates_for_bridge(connection: BridgeConnection, values: list[str]) -> str:
    """Seal a list of PUKs, the likeliest first."""
    return for_bridge(connection, json.dumps(values).encode())


def new_puk() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(PUK_DIGITS))


def keep_management_key(vault: Vault, card: Card, key: ManagementKey) -> None:
    card.management_algorithm = key.algorithm
    card.management_key_sealed = _seal(vault, card, "management_key_sealed", key.key)


def management_key(vault: Vault, card: Card) -> ManagementKey:
    """The management key that the service gave this card."""
    key = _open(vault, card, "management_key_sealed", card.management_key_sealed)
    return ManagementKey(str(card.management_algorithm), key)


def keep_pending_puk(vault: Vault, card: Card, puk: str) -> None:
    """Keep a PUK before it is sent: from then on the card may have it."""
    card.puk_pending_sealed = _seal(vault, card, "puk_pending_sealed", puk.encode())
    keep_doubt(card, PukDoubt())


def current_puk(vault: Vault, card: Card) -> str:
    """The PUK that the card had before the pending one: its maker's, until it was given its own."""
    if card.puk_sealed is None:
        return factory_settings(card.profile).puk
    return _open(vault, card, "puk_sealed", card.puk_sealed).decode()


def pending_puk(vault: Vault, card: Card) -> str:
    return _open(vault, card, "puk_pending_sealed", card.puk_pending_sealed).decode()


def settle_puk(vault: Vault, card: Card) -> None:
    """The card has proven that it has the pending PUK."""
    card.puk_sealed = _seal(vault, card, "puk_sealed", pending_puk(vault, card).encode())
    card.puk_pending_sealed = None
    keep_doubt(card, PukDoubt())


def forget(card: Card) -> None:
    """Nothing of what the service gave this card holds any more."""
    card.management_key_sealed = card.management_algorithm = None
    card.puk_sealed = card.puk_pending_sealed = None
    keep_doubt(card, PukDoubt())


def doubt(card: Card) -> PukDoubt:
    """What is known of which of its two PUKs the card has."""
    return PukDoubt(
        sent=card.puk_sent, current_out=card.puk_current_out, pending_out=card.puk_pending_out
    )


def keep_doubt(card: Card, doubt: PukDoubt) -> None:
    card.puk_sent = doubt.sent
    card.puk_current_out = doubt.current_out
    card.puk_pending_out = doubt.pending_out


def candidates(vault: Vault, card: Card) -> tuple[list[Puk], list[str]]:
    """The PUKs to try, in order: which, and their values."""
    order = doubt(card).candidates()
    value = {Puk.CURRENT: current_puk, Puk.PENDING: pending_puk}
    return order, [value[each](vault, card) for each in order]


def _seal(vault: Vault, card: Card, column: str, secret: bytes) -> bytes:
    return vault.seal(secret, table="card", column=column, row=card.guid)


def _open(vault: Vault, card: Card, column: str, secret: bytes | None) -> bytes:
    assert secret is not None
    return vault.open(secret, table="card", column=column, row=card.guid)
