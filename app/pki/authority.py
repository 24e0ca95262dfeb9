"""The built-in certificate authority: a root, and an issuing authority each for people and cards.

Keys are encrypted PEM files in one folder. The running server opens the issuing keys only; the
root's key is needed to make issuing authorities and may be kept elsewhere afterwards.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from app.pki.profiles import CARDS, PERSONS, PROFILES, expiry_day, last_second_of
from reader_bridge.contract import Slot

ROOT = "root"
ROOT_YEARS = 30
ISSUING_YEARS = 20  # more than a card's life: no certificate outlives its issuer
CLOCK_SKEW = timedelta(minutes=5)

_NAMES = {
    ROOT: "Care Identity Service Root",
    PERSONS: "Care Identity Service Issuing Authority",
    CARDS: "Care Identity Service Card Authentication Authority",
}

CardPublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class AuthorityUnusable(Exception):
    """The authority's files are missing, or the passphrase does not open them."""


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


class BuiltInAuthority:
    """An ``Issuer`` whose keys lie in a folder of this server."""

    def __init__(
        self,
        root: x509.Certificate,
        issuing: dict[str, tuple[x509.Certificate, ec.EllipticCurvePrivateKey]],
        origin: str,
    ) -> None:
        self._root = root
        self._issuing = issuing
        self._origin = origin.rstrip("/")

    @classmethod
    def create(cls, folder: Path, passphrase: bytes, *, now: datetime) -> None:
        """Make a fresh root and both issuing authorities in ``folder`` (owner-only files).

        Raises:
            FileExistsError: there is an authority in that folder already.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        root_key = ec.generate_private_key(ec.SECP384R1())
        root = _authority(ROOT, root_key, None, root_key, now=now, years=ROOT_YEARS)
        _write(folder, ROOT, root, root_key, passphrase)
        for name in (PERSONS, CARDS):
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = _authority(name, key, root, root_key, now=now, years=ISSUING_YEARS)
            _write(folder, name, certificate, key, passphrase)

    @classmethod
    def open(cls, folder: Path, passphrase: bytes, *, origin: str) -> "BuiltInAuthority":
        """Load the issuing authorities.

        Raises:
            AuthorityUnusable: a file is missing or does not open with this passphrase.
        """
        try:
            root = x509.load_pem_x509_certificate((folder / f"{ROOT}.pem").read_bytes())
            issuing = {name: _read(folder, name, passphrase) for name in (PERSONS, CARDS)}
        except (OSError, ValueError, TypeError) as error:
            raise AuthorityUnusable(f"{folder}: {error}") from error
        return cls(root, issuing, origin)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        return (self._root,)

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        return tuple(certificate for certificate, _ in self._issuing.values())

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
        issuer, issuer_key = self._issuing[profile.issuer]
        subject = str(guid) if slot is Slot.CARD_AUTHENTICATION else uuid
        issued_at = now - moved_back
        not_before = (issued_at - CLOCK_SKEW).replace(microsecond=0)
        not_after = last_second_of(expiry_day(profile, issued_at))
        serial = x509.random_serial_number()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(issuer.subject)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(profile.key_usage, critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(profile.extended_usages),
                critical=slot is Slot.CARD_AUTHENTICATION,
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:uuid:{guid}")]),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_key_identifier_of(issuer), critical=False)
            .add_extension(
                x509.CRLDistributionPoints([_crl(f"{self._origin}/pki/{profile.issuer}.crl")]),
                critical=False,
            )
            .add_extension(
                x509.AuthorityInformationAccess(
                    [
                        x509.AccessDescription(
                            AuthorityInformationAccessOID.OCSP,
                            x509.UniformResourceIdentifier(f"{self._origin}/pki/ocsp"),
                        )
                    ]
                ),
                critical=False,
            )
            .sign(issuer_key, hashes.SHA256())
        )
        return IssuedCertificate(
            slot=slot,
            serial=f"{serial:x}",
            issuer=profile.issuer,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            der=certificate.public_bytes(serialization.Encoding.DER),
        )


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


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _crl(address: str) -> x509.DistributionPoint:
    return x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(address)],
        relative_name=None,
        reasons=None,
        crl_issuer=None,
    )


def _key_identifier_of(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _authority(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    now: datetime,
    years: int,
) -> x509.Certificate:
    subject = _name(_NAMES[name])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before((now - CLOCK_SKEW).replace(microsecond=0))
        .not_valid_after((now + timedelta(days=365 * years)).replace(microsecond=0))
        .add_extension(
            x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True
        )
        .add_extension(_CA_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        builder = builder.add_extension(_key_identifier_of(issuer), critical=False)
    return builder.sign(issuer_key, hashes.SHA384() if issuer is None else hashes.SHA256())


_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _write(
    folder: Path,
    name: str,
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    passphrase: bytes,
) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    for path, content, mode in (
        (folder / f"{name}-key.pem", secret, 0o600),
        (folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644),
    ):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _read(
    folder: Path, name: str, passphrase: bytes
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    key = serialization.load_pem_private_key((folder / f"{name}-key.pem").read_bytes(), passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{name}-key.pem is not an elliptic curve key")
    return certificate, key
