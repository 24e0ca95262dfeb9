"""What is said of a certificate to those who ask whether it is still good.

OCSP and the lists of revoked certificates (RFC 6960, RFC 5280) say the same, because both ask here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import CertificateStatus

SHARDS = 256


class RevocationReason(StrEnum):
    """RFC 5280, 5.3.1, as far as this service has a use for it."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key-compromise"  # the card is lost or stolen, or somebody else used it
    AFFILIATION_CHANGED = "affiliation-changed"  # its holder has left
    SUPERSEDED = "superseded"  # there is a newer one
    CESSATION_OF_OPERATION = "cessation-of-operation"  # never needed, or no longer
    CERTIFICATE_HOLD = "certificate-hold"  # may become good again
    PRIVILEGE_WITHDRAWN = "privilege-withdrawn"


_REASONS: dict[str | None, RevocationReason] = {each.value: each for each in RevocationReason}


class Verdict(StrEnum):
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"  # no certificate of this service


@dataclass(frozen=True)
class Standing:
    """What is said of one certificate. ``since`` and ``reason`` are those of a revocation."""

    verdict: Verdict
    since: datetime | None = None
    reason: RevocationReason | None = None


GOOD = Standing(Verdict.GOOD)
UNKNOWN = Standing(Verdict.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the service keeps of a certificate and of its card, as far as it counts here."""

    status: CertificateStatus
    not_before: datetime
    revoked_at: datetime | None
    reason: str | None
    card: CardStatus
    suspended_at: datetime | None


def standing(known: Known | None) -> Standing:
    """Return what is to be said of a certificate; ``None`` is one that nobody knows.

    A certificate is on hold as long as the operation that issues it is not done, and while its
    card is suspended: nobody may rely on it, and it may yet become good.
    """
    if known is None:
        return UNKNOWN
    if known.status is CertificateStatus.REVOKED:
        return Standing(Verdict.REVOKED, known.revoked_at, reason_of(known.reason))
    if known.status is CertificateStatus.HELD:
        return _on_hold(known.not_before)
    if known.card is CardStatus.SUSPENDED:
        return _on_hold(known.suspended_at or known.not_before)
    return GOOD


def reason_of(word: str | None) -> RevocationReason:
    """Return the reason that a row gives. One that is no reason of ours is unspecified."""
    return _REASONS.get(word, RevocationReason.UNSPECIFIED)


def shard_of(serial: str) -> int:
    """Return which part of its issuer's list a certificate belongs to. ``serial`` is hex."""
    return int(serial[-2:], 16) % SHARDS


def _on_hold(since: datetime) -> Standing:
    return Standing(Verdict.REVOKED, since, RevocationReason.CERTIFICATE_HOLD)
