"""Whether a certificate found on a card is one of ours, in time, and made for its slot.

Revocation is not looked at here: it is a row of the database, found by serial number.
"""

from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import verification

from app.pki.authority import Issuer
from app.pki.profiles import PROFILES
from reader_bridge.contract import Slot


class PathProblem(StrEnum):
    UNREADABLE = "unreadable"
    UNKNOWN_ISSUER = "unknown-issuer"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    WRONG_USE = "wrong-use"


class CertificateRefused(Exception):
    """A certificate that does not hold; ``problem`` says why."""

    def __init__(self, problem: PathProblem, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}" if detail else str(problem))
        self.problem = problem


def check(der: bytes, slot: Slot, issuer: Issuer, *, now: datetime) -> x509.Certificate:
    """Build the path from a certificate to a root of ours and check it against its profile.

    Raises:
        CertificateRefused: unreadable, not ours, made for another slot, or out of its time. A
            certificate that is both not ours and expired is *not ours*.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except ValueError as error:
        raise CertificateRefused(PathProblem.UNREADABLE, str(error)) from error
    if not any(signed_by(certificate, each) for each in issuer.intermediates):
        raise CertificateRefused(PathProblem.UNKNOWN_ISSUER)
    if now < not_before:
        raise CertificateRefused(PathProblem.NOT_YET_VALID, not_before.isoformat())
    if now > not_after:
        raise CertificateRefused(PathProblem.EXPIRED, not_after.isoformat())
    try:
        _verifier(issuer, now).verify(certificate, list(issuer.intermediates))
    except verification.VerificationError as error:
        raise CertificateRefused(PathProblem.UNKNOWN_ISSUER, str(error)) from error
    _check_usages(certificate, slot)
    return certificate


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether one certificate was signed with the key of another."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _verifier(issuer: Issuer, now: datetime) -> verification.ClientVerifier:
    """A verifier that leaves the usages of the card's certificate to ``_check_usages``.

    As it comes it refuses non-repudiation and critical extended usages.
    """
    return (
        verification.PolicyBuilder()
        .store(verification.Store(list(issuer.roots)))
        .time(now)
        .max_chain_depth(1)
        .extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=_CARD_POLICY,
        )
        .build_client_verifier()
    )


_CARD_POLICY = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.KeyUsage, verification.Criticality.CRITICAL, None)
    .require_present(x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, None)
    .require_present(x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None)
)


def _check_usages(certificate: x509.Certificate, slot: Slot) -> None:
    profile = PROFILES[slot]
    extensions = certificate.extensions
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        extended = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound as error:
        raise CertificateRefused(PathProblem.WRONG_USE, str(error)) from error
    if constraints.ca or usage != profile.key_usage:
        raise CertificateRefused(PathProblem.WRONG_USE, "key usage")
    if set(extended) - set(profile.optional_usages) != set(profile.extended_usages):
        raise CertificateRefused(PathProblem.WRONG_USE, "extended key usage")
