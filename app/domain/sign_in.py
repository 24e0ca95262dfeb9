"""Whether a card may sign in: one decision, made of what the service and the card say."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import CertificateStatus, PersonStatus


class SignInRefusal(StrEnum):
    """Why nobody may sign in with this card. Each has its sentence and its next step in words."""

    UNKNOWN_CARD = "unknown-card"
    UNKNOWN_ISSUER = "unknown-issuer"
    NOT_ISSUED = "not-issued"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    ACCOUNT_CLOSED = "account-closed"
    REVOKED = "revoked"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    LOCKED = "locked"
    VIRTUAL_CARD = "virtual-card"
    UNFINISHED = "unfinished"  # in the middle of an operation: led to "Continue"
    TERMS_DECLINED = "terms-declined"


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """The authentication certificate, as the service keeps it."""

    status: CertificateStatus
    not_before: datetime
    not_after: datetime
    issuer_known: bool


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What is known of a card when somebody wants to sign in with it.

    ``tries_left`` is what the chip says of its passcode, None where it does not say.
    """

    status: CardStatus
    person: PersonStatus | None
    certificate: CertificateFacts | None
    virtual: bool
    tries_left: int | None = None


def sign_in_refusal(
    card: CardFacts | None, *, now: datetime, virtual_allowed: bool
) -> SignInRefusal | None:
    """Return why this card may not sign in, or None.

    The gravest reason wins: what the service decided, then the certificate, then the chip.
    """
    if card is None:
        return SignInRefusal.UNKNOWN_CARD
    decided = _BY_STATUS.get(card.status)
    if decided is not None:
        return decided
    if card.person is None:
        return SignInRefusal.NOT_ISSUED
    if card.person is PersonStatus.CLOSED:
        return SignInRefusal.ACCOUNT_CLOSED
    if card.virtual and not virtual_allowed:
        return SignInRefusal.VIRTUAL_CARD
    if card.certificate is None:
        return SignInRefusal.UNFINISHED
    refused = certificate_refusal(card.certificate, now=now)
    if refused is not None:
        return refused
    if card.tries_left == 0 or (card.tries_left is None and card.status is CardStatus.LOCKED):
        return SignInRefusal.LOCKED
    return None


_BY_STATUS = {
    CardStatus.BLANK: SignInRefusal.NOT_ISSUED,
    CardStatus.CANCELLED: SignInRefusal.CANCELLED,
    CardStatus.SUSPENDED: SignInRefusal.SUSPENDED,
    CardStatus.EXPIRED: SignInRefusal.EXPIRED,
}


def certificate_refusal(certificate: CertificateFacts, *, now: datetime) -> SignInRefusal | None:
    """Return why the authentication certificate proves nothing at ``now``, or None.

    Both ``not_before`` and ``not_after`` are moments at which it is good (RFC 5280, 4.1.2.5).
    """
    if not certificate.issuer_known:
        return SignInRefusal.UNKNOWN_ISSUER
    if certificate.status is CertificateStatus.REVOKED:
        return SignInRefusal.REVOKED
    if certificate.status is not CertificateStatus.ACTIVE:
        return SignInRefusal.UNFINISHED
    if now < certificate.not_before:
        return SignInRefusal.NOT_YET_VALID
    if now > certificate.not_after:
        return SignInRefusal.EXPIRED
    return None
