"""What each certificate on a card may be used for, and for how long it lives.

One row per key slot. The person's certificates carry the person's UUID and nothing else about the
person; the card-authentication certificate carries the card's GUID alone.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from reader_bridge.contract import Slot

LONDON = ZoneInfo("Europe/London")

# SP 800-73-4 part 1, table 39: proves a card present, never a person
ID_PIV_CARD_AUTH = ObjectIdentifier("2.16.840.1.101.3.6.8")
# Microsoft's: a setting adds it to what signs its holder in to Windows
SMARTCARD_LOGON = ObjectIdentifier("1.3.6.1.4.1.311.20.2.2")
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336

PERSON_DAYS = 730
CARD_LIFE_DAYS = 3650


@dataclass(frozen=True)
class CertificateProfile:
    """One row of the certificate table.

    ``issuer`` names the issuing authority that signs it; ``days`` counts from the day of issue, in
    London, to the day of expiry, which is its last day. ``optional_usages`` are there where a
    setting said so when the certificate was issued.
    """

    slot: Slot
    issuer: str
    extended_usages: tuple[ObjectIdentifier, ...]
    content_commitment: bool
    days: int
    optional_usages: tuple[ObjectIdentifier, ...] = ()

    @property
    def key_usage(self) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=True,
            content_commitment=self.content_commitment,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )


PERSONS = "issuing"
CARDS = "card-authentication"

PROFILES: dict[Slot, CertificateProfile] = {
    Slot.AUTHENTICATION: CertificateProfile(
        Slot.AUTHENTICATION,
        PERSONS,
        (ExtendedKeyUsageOID.CLIENT_AUTH,),
        content_commitment=False,
        days=PERSON_DAYS,
        optional_usages=(SMARTCARD_LOGON,),
    ),
    Slot.SIGNATURE: CertificateProfile(
        Slot.SIGNATURE,
        PERSONS,
        (DOCUMENT_SIGNING,),
        content_commitment=True,
        days=PERSON_DAYS,
    ),
    Slot.CARD_AUTHENTICATION: CertificateProfile(
        Slot.CARD_AUTHENTICATION,
        CARDS,
        (ID_PIV_CARD_AUTH,),
        content_commitment=False,
        days=CARD_LIFE_DAYS,
    ),
}


def expiry_day(profile: CertificateProfile, issued_at: datetime) -> date:
    """The last day on which a certificate issued at ``issued_at`` (aware) is good, in London."""
    return issued_at.astimezone(LONDON).date() + timedelta(days=profile.days)


def last_second_of(day: date) -> datetime:
    """23:59:59 in London on ``day``, in UTC: the renewal window and the certificate agree."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=LONDON).astimezone(UTC)


def expires_on(certificate: x509.Certificate) -> date:
    """The day, in London, on which a certificate expires."""
    return certificate.not_valid_after_utc.astimezone(LONDON).date()
