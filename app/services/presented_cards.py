"""What a page says that it found in the readers, made into values that can be looked at.

Nothing here is believed: a page could say anything. It only decides what the page shows next.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.card_operations import wire
from app.domain.days import day_of
from app.domain.passcode import PasscodeRule
from app.domain.presented_card import PresentedCard
from app.pki import validation
from app.pki.authority import Issuer
from app.pki.validation import CertificateRefused, PathProblem
from reader_bridge.contract import Code, Slot

MOST = 16  # readers on one PC
SHORT, LONG = 100, 3000


def from_page(
    found: object, seat: object, *, issuer: Issuer, now: datetime
) -> tuple[list[PresentedCard], PresentedCard | None]:
    """Return the cards that the page named, and the one with ``seat``, if it is among them."""
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    cards = [presented(row, issuer=issuer, now=now) for row in rows[:MOST]]
    chosen = next((card for card in cards if seat and card.seat == seat), None)
    return cards, chosen


def presented(row: Mapping[str, Any], *, issuer: Issuer, now: datetime) -> PresentedCard:
    """Read one card of the page's."""
    error = row.get("error")
    code = _text(error.get("code"), SHORT) if isinstance(error, dict) else None
    certificate = _certificate(row.get("certificates"), issuer, now)
    tries = row.get("passcode_left")
    return PresentedCard(
        reader=_text(row.get("reader"), SHORT) or "",
        seat=_text(row.get("seat"), SHORT) or "",
        guid=_text(row.get("guid"), 32),
        error=code if code is None or code in set(Code) else Code.FAILED,
        blank=row.get("blank") is True,
        profile_title=_text(row.get("profile_title"), SHORT) or "",
        certificate=certificate.public_bytes(Encoding.DER) if certificate else None,
        uuid=_common_name(certificate) if certificate else None,
        expires_on=day_of(certificate.not_valid_after_utc) if certificate else None,
        tries_left=tries if isinstance(tries, int) and 0 <= tries <= 15 else None,
        rule=_rule(row.get("rule")),
        virtual=row.get("virtual") is True,
        serial=_text(row.get("serial"), 64),
        certificates=written(row.get("certificates")),
    )


def written(found: object) -> dict[str, bytes]:
    """Return the certificates that a page has read from a card, by slot; whoever issued them."""
    read: dict[str, bytes] = {}
    for slot in Slot:
        text = found.get(slot.value) if isinstance(found, dict) else None
        if not isinstance(text, str) or len(text) > LONG:
            continue
        try:
            read[slot.value] = wire.to_bytes(text)
        except wire.Malformed:
            continue
    return read


def _certificate(found: object, issuer: Issuer, now: datetime) -> x509.Certificate | None:
    """The authentication certificate, if it is one of ours; it may have expired."""
    text = found.get(Slot.AUTHENTICATION.value) if isinstance(found, dict) else None
    if not isinstance(text, str) or len(text) > LONG:
        return None
    try:
        der = wire.to_bytes(text)
        return validation.check(der, Slot.AUTHENTICATION, issuer, now=now)
    except wire.Malformed:
        return None
    except CertificateRefused as refused:
        in_time = refused.problem in (PathProblem.EXPIRED, PathProblem.NOT_YET_VALID)
        return x509.load_der_x509_certificate(der) if in_time else None


def _common_name(certificate: x509.Certificate) -> str | None:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def _rule(found: object) -> PasscodeRule:
    """The service's rule, narrowed by what the card takes."""
    if not isinstance(found, dict):
        return PasscodeRule()
    low, high, alphabet = (found.get(name) for name in ("min_length", "max_length", "alphabet"))
    if not (isinstance(low, int) and isinstance(high, int)):
        return PasscodeRule()
    try:
        return PasscodeRule().narrowed(min_length=low, max_length=high, alphabet=str(alphabet))
    except ValueError:
        return PasscodeRule()


def _text(value: object, longest: int) -> str | None:
    return value[:longest] if isinstance(value, str) and value else None
