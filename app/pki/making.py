"""Making authorities: the root, the issuing authorities under it, and the root's own list.

Only here is the root's key used. Everything that is public lies as PEM or DER in one folder, and
the running server reads it there.
"""

import os
import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from app.pki.addresses import certificate_address, crl_address
from app.pki.key_stores import PUBLIC, KeyFiles, KeyStore, write_new
from app.pki.profiles import CARDS, PERSONS

ROOT = "root"
ROOT_YEARS = 30
ISSUING_YEARS = 20  # more than a card's life: no certificate outlives its issuer
ROOT_LIST_LIFE = timedelta(days=400)  # made by hand, once a year
CLOCK_SKEW = timedelta(minutes=5)
NAMES = re.compile(rf"({PERSONS}|{CARDS})(?:-([2-9]|[1-9]\d))?")  # a successor has a number

_TITLES = {
    ROOT: "Care Identity Service Root",
    PERSONS: "Care Identity Service Issuing Authority",
    CARDS: "Care Identity Service Card Authentication Authority",
}
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


def create(
    folder: Path, passphrase: bytes, keys: KeyStore, *, origin: str | None, now: datetime
) -> None:
    """Make a root, its list, and the two issuing authorities in ``folder``.

    ``origin`` is where the lists and certificates will be found; without it the issuing
    authorities' certificates name no address.

    Raises:
        FileExistsError: there is an authority in that folder already.
        KeyUnusable: the keys cannot be kept where they should be.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP384R1())
    KeyFiles(folder, passphrase).keep(ROOT, key)
    root = _sign_root(key, now)
    write_new(certificate_file(folder, ROOT), _pem(root), PUBLIC)
    write_root_list(folder, root, key, now=now)
    for name in (PERSONS, CARDS):
        certificate = certify(name, keys.make(name).public_key(), root, key, origin=origin, now=now)
        write_new(certificate_file(folder, name), _pem(certificate), PUBLIC)


def certify(
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    *,
    origin: str | None,
    now: datetime,
) -> x509.Certificate:
    """Sign the certificate of an issuing authority with the root's key."""
    ends = min(now + timedelta(days=365 * ISSUING_YEARS), root.not_valid_after_utc)
    builder = (
        _authority(_name(title(name)), root.subject, public_key, now, ends, path_length=0)
        .add_extension(key_identifier_of(root), critical=False)
    )  # fmt: skip
    if origin is not None:
        builder = builder.add_extension(
            x509.CRLDistributionPoints([distribution_point(crl_address(origin, ROOT))]),
            critical=False,
        ).add_extension(
            x509.AuthorityInformationAccess([issuer_at(certificate_address(origin, ROOT))]),
            critical=False,
        )
    return builder.sign(root_key, hashes.SHA384())


def request(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
    """Ask for a certificate for an authority whose key is here while the root's is elsewhere."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(title(name)))
    return builder.sign(key, hashes.SHA256())


def successor_of(folder: Path, line: str) -> str:
    """Return the name of the next authority of a line: "issuing-2" after "issuing"."""
    return f"{line}-{len(names_in(folder, line)) + 1}"


def names_in(folder: Path, line: str) -> list[str]:
    """Return the authorities of a line whose certificates are in ``folder``, the newest last."""
    names = [line]
    while certificate_file(folder, following := f"{line}-{len(names) + 1}").exists():
        names.append(following)
    return names


def write_root_list(
    folder: Path,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    *,
    now: datetime,
    revoke: x509.Certificate | None = None,
) -> x509.CertificateRevocationList:
    """Write the root's list: what it had revoked before, and perhaps one more authority."""
    before = read_root_list(folder)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now.replace(microsecond=0))
        .next_update((now + ROOT_LIST_LIFE).replace(microsecond=0))
        .add_extension(key_identifier_of(root), critical=False)
        .add_extension(x509.CRLNumber(_number(before) + 1), critical=False)
    )
    listed = set()
    for entry in before or ():
        builder = builder.add_revoked_certificate(entry)
        listed.add(entry.serial_number)
    if revoke is not None and revoke.serial_number not in listed:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(revoke.serial_number)
            .revocation_date(now.replace(microsecond=0))
            .add_extension(x509.CRLReason(x509.ReasonFlags.ca_compromise), critical=False)
            .build()
        )
    made = builder.sign(root_key, hashes.SHA384())
    replace(root_list_file(folder), made.public_bytes(serialization.Encoding.DER))
    return made


def read_root_list(folder: Path) -> x509.CertificateRevocationList | None:
    try:
        return x509.load_der_x509_crl(root_list_file(folder).read_bytes())
    except FileNotFoundError:
        return None


def replace(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it sees the old one or the new one, whole."""
    handle, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as output:
        output.write(content)
    Path(draft).chmod(PUBLIC)
    Path(draft).replace(path)


def certificate_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.pem"


def root_list_file(folder: Path) -> Path:
    return folder / f"{ROOT}.crl"


def title(name: str) -> str:
    """What an authority is called in its certificate: a successor has its number."""
    found = NAMES.fullmatch(name)
    assert found is not None
    line, number = found.groups()
    return f"{_TITLES[line]} {number}" if number else _TITLES[line]


def distribution_point(address: str) -> x509.DistributionPoint:
    return x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(address)],
        relative_name=None,
        reasons=None,
        crl_issuer=None,
    )


def issuer_at(address: str) -> x509.AccessDescription:
    """Where the certificate of a certificate's issuer is to be had."""
    return x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(address)
    )


def key_identifier_of(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _sign_root(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name(_TITLES[ROOT])
    ends = now + timedelta(days=365 * ROOT_YEARS)
    builder = _authority(name, name, key.public_key(), now, ends, path_length=1)
    return builder.sign(key, hashes.SHA384())


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    ends: datetime,
    *,
    path_length: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before((now - CLOCK_SKEW).replace(microsecond=0))
        .not_valid_after(ends.replace(microsecond=0))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_CA_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _number(made: x509.CertificateRevocationList | None) -> int:
    if made is None:
        return 0
    return made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
