"""The built-in certificate authority: a root, and an issuing authority each for people and cards.

The running server opens the issuing authorities' keys only, from encrypted files or from a token;
the root's key is needed to make issuing authorities and may be kept elsewhere afterwards. A
successor of an issuing authority ("issuing-2") takes over what is issued; the one before it goes
on answering for what it has signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from app.domain.revocation import shard_of
from app.pki import making
from app.pki.addresses import certificate_address, ocsp_address, shard_address
from app.pki.key_stores import KeyFiles, KeyStore, KeyUnusable
from app.pki.making import CLOCK_SKEW, ROOT, key_identifier_of
from app.pki.profiles import (
    CARDS,
    PERSONS,
    PROFILES,
    SMARTCARD_LOGON,
    CertificateProfile,
    expiry_day,
    last_second_of,
)
from reader_bridge.contract import Slot

__all__ = ["CLOCK_SKEW", "Authority", "AuthorityUnusable", "BuiltInAuthority", "Issuer"]

CardPublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class AuthorityUnusable(Exception):
    """The authority's files or keys are missing, or do not open."""


class KeyRefused(Exception):
    """The public key is neither P-256 nor RSA-2048: no certificate for it."""


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate and what the database keeps of it. ``serial`` is hex without leading zeros."""

    slot: Slot
    serial: str
    issuer: str
    not_before: datetime
    not_after: datetime
    der: bytes


@dataclass(frozen=True)
class Authority:
    """An authority that signs certificates of cards, and what is said of them afterwards.

    ``name`` is its own in addresses and in rows; ``key`` may be one that lies in a token.
    """

    name: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Issuer(Protocol):
    """Whoever signs the certificates of cards: the built-in authority, or one outside."""

    def issue(
        self,
        slot: Slot,
        public_key: bytes,
        *,
        uuid: str,
        guid: UUID,
        now: datetime,
        moved_back: timedelta = timedelta(0),
    ) -> IssuedCertificate:
        """Sign a certificate by the profile of ``slot`` for a key (DER SubjectPublicKeyInfo).

        ``uuid`` is the holder's twelve digits. ``moved_back`` shifts both ends of its validity
        into the past; only a demonstration does that.

        Raises:
            KeyRefused: the key is of a kind that cards of this service do not use.
        """
        ...

    @property
    def roots(self) -> tuple[x509.Certificate, ...]: ...

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]: ...

    @property
    def authorities(self) -> Mapping[str, Authority]:
        """Those that sign here, and say what is revoked, by name. An outside one says it itself."""
        ...

    @property
    def root_list(self) -> bytes | None:
        """The root's own list of revoked authorities (DER), if there is one here."""
        ...

    @property
    def origin(self) -> str:
        """Where programs find what is said of certificates: scheme, host and port."""
        ...


class BuiltInAuthority:
    """An ``Issuer`` whose certificates lie in a folder of this server."""

    def __init__(
        self,
        folder: Path,
        root: x509.Certificate,
        lines: Mapping[str, list[Authority]],
        origin: str,
        *,
        smartcard_logon: bool = False,
    ) -> None:
        self._folder = folder
        self._root = root
        self._current = {line: those[-1] for line, those in lines.items()}
        self._authorities = {each.name: each for those in lines.values() for each in those}
        self._origin = origin.rstrip("/")
        self._smartcard_logon = smartcard_logon

    @classmethod
    def create(
        cls,
        folder: Path,
        passphrase: bytes,
        *,
        now: datetime,
        origin: str | None = None,
        keys: KeyStore | None = None,
    ) -> None:
        """Make a fresh root and both issuing authorities in ``folder`` (owner-only files).

        Raises:
            FileExistsError: there is an authority in that folder already.
            KeyUnusable: the keys cannot be kept in ``keys``.
        """
        making.create(
            folder, passphrase, keys or KeyFiles(folder, passphrase), origin=origin, now=now
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        passphrase: bytes,
        *,
        origin: str,
        keys: KeyStore | None = None,
        smartcard_logon: bool = False,
    ) -> "BuiltInAuthority":
        """Load the issuing authorities.

        Raises:
            AuthorityUnusable: a file or key is missing, or does not open with this passphrase.
        """
        keys = keys or KeyFiles(folder, passphrase)
        try:
            root = _read(folder, ROOT)
            lines = {
                line: [_open(folder, name, keys) for name in making.names_in(folder, line)]
                for line in (PERSONS, CARDS)
            }
        except (OSError, ValueError, KeyUnusable) as error:
            raise AuthorityUnusable(f"{folder}: {error}") from error
        return cls(folder, root, lines, origin, smartcard_logon=smartcard_logon)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        return (self._root,)

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        return tuple(each.certificate for each in self._authorities.values())

    @property
    def authorities(self) -> Mapping[str, Authority]:
        return self._authorities

    @property
    def root_list(self) -> bytes | None:
        """Read anew each time: it is made elsewhere, and put here while the server runs."""
        try:
            return making.root_list_file(self._folder).read_bytes()
        except FileNotFoundError:
            return None

    @property
    def origin(self) -> str:
        return self._origin

    def issue(
        self,
        slot: Slot,
        public_key: bytes,
        *,
        uuid: str,
        guid: UUID,
        now: datetime,
        moved_back: timedelta = timedelta(0),
    ) -> IssuedCertificate:
        profile = PROFILES[slot]
        key = card_public_key(public_key)
        authority = self._current[profile.issuer]
        subject = str(guid) if slot is Slot.CARD_AUTHENTICATION else uuid
        issued_at = now - moved_back
        not_before = (issued_at - CLOCK_SKEW).replace(microsecond=0)
        not_after = last_second_of(expiry_day(profile, issued_at))
        serial = x509.random_serial_number()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(authority.certificate.subject)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )
        for extension, critical in self._extensions(profile, authority, key, guid, f"{serial:x}"):
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(authority.key, hashes.SHA256())
        return IssuedCertificate(
            slot=slot,
            serial=f"{serial:x}",
            issuer=authority.name,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            der=certificate.public_bytes(serialization.Encoding.DER),
        )

    def _extensions(
        self,
        profile: CertificateProfile,
        authority: Authority,
        key: CardPublicKey,
        guid: UUID,
        serial: str,
    ) -> list[tuple[x509.ExtensionType, bool]]:
        """The extensions of a card's certificate, each with whether it is critical."""
        usages = list(profile.extended_usages)
        if self._smartcard_logon and SMARTCARD_LOGON in profile.optional_usages:
            usages.append(SMARTCARD_LOGON)
        ocsp = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP,
            x509.UniformResourceIdentifier(ocsp_address(self._origin)),
        )
        issuer = making.issuer_at(certificate_address(self._origin, authority.name))
        shard = shard_address(self._origin, authority.name, shard_of(serial))
        return [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (profile.key_usage, True),
            (x509.ExtendedKeyUsage(usages), profile.slot is Slot.CARD_AUTHENTICATION),
            (
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:uuid:{guid}")]),
                False,
            ),
            (x509.SubjectKeyIdentifier.from_public_key(key), False),
            (key_identifier_of(authority.certificate), False),
            (x509.CRLDistributionPoints([making.distribution_point(shard)]), False),
            (x509.AuthorityInformationAccess([ocsp, issuer]), False),
        ]


def card_public_key(der: bytes) -> CardPublicKey:
    """Load a card's public key (DER SubjectPublicKeyInfo).

    Raises:
        KeyRefused: it is neither P-256 nor RSA with 2048 bits.
    """
    try:
        key = serialization.load_der_public_key(der)
    except ValueError as error:
        raise KeyRefused("not a public key") from error
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size == 2048:
        return key
    raise KeyRefused(type(key).__name__)


def _read(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(making.certificate_file(folder, name).read_bytes())


def _open(folder: Path, name: str, keys: KeyStore) -> Authority:
    """Load an issuing authority.

    Raises:
        KeyUnusable: its key is not here, or is not the one that its certificate names.
    """
    certificate, key = _read(folder, name), keys.open(name)
    if key.public_key() != certificate.public_key():
        raise KeyUnusable(f"the key of {name} is not the one that its certificate names")
    return Authority(name, certificate, key)
