"""Rows of keys and certificates, as card operations move them: believed, held, active, revoked."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from cryptography import x509

from app.card_operations.statements import KnownKey
from app.domain.revocation import RevocationReason
from app.domain.statuses import CertificateStatus, KeyState
from app.extensions import db
from app.models import Card, CardKey, Certificate
from app.pki.authority import Issuer
from app.pki.profiles import expires_on
from reader_bridge.contract import Slot

Row = TypeVar("Row", CardKey, Certificate)


def held_certificate(card: Card, slot: Slot) -> Certificate | None:
    """The certificate that was issued for a slot and waits for its operation to end."""
    return _certificate(card, slot, CertificateStatus.HELD)


def active_certificate(card: Card, slot: Slot) -> Certificate | None:
    return _certificate(card, slot, CertificateStatus.ACTIVE)


def key_being_made(card: Card, slot: Slot) -> KnownKey | None:
    """The key that is believed to be in a slot but is not the current one yet."""
    held = held_certificate(card, slot)
    if held is None or held.key.state is not KeyState.PENDING:
        return None
    return KnownKey.from_der(slot, held.key.public_key)


def believe(card: Card, key: KnownKey, *, uuid: str, issuer: Issuer, now: datetime) -> Certificate:
    """Keep a key that has been proven, and issue its certificate, held."""
    row = CardKey(
        card=card,
        slot=key.slot.value,
        state=KeyState.PENDING,
        algorithm=key.algorithm.value,
        public_key=key.public_key,
        jkt=key.thumbprint,
        created_at=now,
    )
    db.session.add(row)
    return issue_for(card, row, uuid=uuid, issuer=issuer, now=now)


def issue_for(
    card: Card,
    key: CardKey,
    *,
    uuid: str,
    issuer: Issuer,
    now: datetime,
    moved_back: timedelta = timedelta(0),
) -> Certificate:
    """Issue a certificate for a key of a card and hold it."""
    issued = issuer.issue(
        Slot(key.slot),
        key.public_key,
        uuid=uuid,
        guid=UUID(card.guid),
        now=now,
        moved_back=moved_back,
    )
    row = Certificate(
        card=card,
        slot=key.slot,
        key=key,
        serial=issued.serial,
        issuer=issued.issuer,
        not_before=issued.not_before,
        not_after=issued.not_after,
        der=issued.der,
        status=CertificateStatus.HELD,
    )
    db.session.add(row)
    return row


def activate(card: Card, slots: Iterable[Slot], *, now: datetime) -> date:
    """Make the held certificates of these slots the active ones, and their keys the current ones.

    What they replace is revoked as superseded, so that nobody believes it any more. Returns the
    day on which the first of the person's certificates expires.
    """
    placed = []
    for slot in slots:
        held = held_certificate(card, slot)
        assert held is not None
        placed.append(held)
        before = active_certificate(card, slot)
        if before is not None:
            revoke(before, RevocationReason.SUPERSEDED, now)
            if before.key is not held.key:
                before.key.state = KeyState.SUPERSEDED
    db.session.flush()  # one current key a slot: the old ones leave first
    for held in placed:
        held.status = CertificateStatus.ACTIVE
        held.key.state = KeyState.CURRENT
    person = (Slot.AUTHENTICATION, Slot.SIGNATURE)
    active = [each for slot in person if (each := active_certificate(card, slot)) is not None]
    return min(expires_on(x509.load_der_x509_certificate(each.der)) for each in active)


def drop_unplaced(card: Card, slots: Iterable[Slot], *, now: datetime) -> None:
    """Revoke what was issued for these slots and never put into use, and forget its keys."""
    wanted = [slot.value for slot in slots]
    for certificate in card.certificates:
        if certificate.slot in wanted and certificate.status is CertificateStatus.HELD:
            revoke(certificate, RevocationReason.SUPERSEDED, now)
            if certificate.key.state is KeyState.PENDING:
                certificate.key.state = KeyState.SUPERSEDED


def revoke(certificate: Certificate, reason: RevocationReason, now: datetime) -> None:
    """Revoke a certificate that is not revoked yet."""
    if certificate.status is CertificateStatus.REVOKED:
        return
    certificate.status = CertificateStatus.REVOKED
    certificate.revoked_at = now
    certificate.revocation_reason = reason.value


def newest(rows: Sequence[Row]) -> Row | None:
    """The one that was made last; one that is not in the database yet is newer than all others."""
    return max(rows, key=lambda each: (each.id is None, each.id or 0), default=None)


def _certificate(card: Card, slot: Slot, status: CertificateStatus) -> Certificate | None:
    """The newest of them. An operation asks often: the card's own list is read once."""
    return newest(
        [each for each in card.certificates if each.slot == slot and each.status is status]
    )
