"""Certificates as the built-in authority makes them, judged by OpenSSL and by our own check."""

import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.pki.authority import AuthorityUnusable, BuiltInAuthority, IssuedCertificate, KeyRefused
from app.pki.profiles import ID_PIV_CARD_AUTH, SMARTCARD_LOGON, expires_on
from app.pki.validation import CertificateRefused, PathProblem, check
from reader_bridge.contract import Slot

NOW = datetime.now(UTC)
ORIGIN = "https://cards.example.nhs.uk"
HOLDER = "555012345678"
GUID = UUID("8a2f0f3e-5a58-4f66-9d3c-3c1b0a7d9e42")
PASSPHRASE = b"a passphrase of the tests"


def spki(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


P256 = spki(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "authority"
    BuiltInAuthority.create(folder, PASSPHRASE, now=NOW)
    return folder


@pytest.fixture(scope="module")
def authority(folder: Path) -> BuiltInAuthority:
    return BuiltInAuthority.open(folder, PASSPHRASE, origin=ORIGIN)


def issue(
    authority: BuiltInAuthority, slot: Slot, key: bytes = P256, days_back: int = 0
) -> IssuedCertificate:
    return authority.issue(
        slot, key, uuid=HOLDER, guid=GUID, now=NOW, moved_back=timedelta(days=days_back)
    )


def openssl_verify(folder: Path, der: bytes, tmp_path: Path, *options: str) -> str:
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM))
    untrusted = tmp_path / "untrusted.pem"
    untrusted.write_bytes(
        b"".join(
            (folder / f"{name}.pem").read_bytes() for name in ("issuing", "card-authentication")
        )
    )
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", folder / "root.pem",
         "-untrusted", untrusted, *options, leaf],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize("slot", list(Slot))
@pytest.mark.parametrize(
    "key", [P256, spki(rsa.generate_private_key(65537, 2048))], ids=["P-256", "RSA-2048"]
)
def test_openssl_builds_the_path_of_every_certificate(
    authority: BuiltInAuthority, folder: Path, tmp_path: Path, slot: Slot, key: bytes
) -> None:
    made = issue(authority, slot, key)
    assert "leaf.pem: OK" in openssl_verify(folder, made.der, tmp_path)
    assert check(made.der, slot, authority, now=NOW).serial_number == int(made.serial, 16)


def test_only_the_authentication_certificate_may_sign_a_client_in(
    authority: BuiltInAuthority, folder: Path, tmp_path: Path
) -> None:
    verdicts = {
        slot: "OK" in openssl_verify(
            folder, issue(authority, slot).der, tmp_path, "-purpose", "sslclient"
        )
        for slot in Slot
    }  # fmt: skip
    assert verdicts == {
        Slot.AUTHENTICATION: True,
        Slot.SIGNATURE: False,
        Slot.CARD_AUTHENTICATION: False,
    }


@pytest.mark.parametrize("made_for", list(Slot))
@pytest.mark.parametrize("used_in", list(Slot))
def test_a_certificate_holds_in_the_slot_it_was_made_for_and_in_no_other(
    authority: BuiltInAuthority, made_for: Slot, used_in: Slot
) -> None:
    der = issue(authority, made_for).der
    if made_for is used_in:
        check(der, used_in, authority, now=NOW)
        return
    with pytest.raises(CertificateRefused) as refused:
        check(der, used_in, authority, now=NOW)
    assert refused.value.problem is PathProblem.WRONG_USE


def test_the_persons_certificates_name_the_uuid_alone_and_the_cards_its_guid(
    authority: BuiltInAuthority,
) -> None:
    for slot in Slot:
        certificate = x509.load_der_x509_certificate(issue(authority, slot).der)
        expected = str(GUID) if slot is Slot.CARD_AUTHENTICATION else HOLDER
        assert certificate.subject.rfc4514_string() == f"CN={expected}"
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert [name.value for name in names] == [f"urn:uuid:{GUID}"]


def test_the_card_authentication_certificate_has_an_issuer_and_a_critical_use_of_its_own(
    authority: BuiltInAuthority,
) -> None:
    made = issue(authority, Slot.CARD_AUTHENTICATION)
    assert made.issuer != issue(authority, Slot.AUTHENTICATION).issuer
    usage = x509.load_der_x509_certificate(made.der).extensions.get_extension_for_class(
        x509.ExtendedKeyUsage
    )
    assert usage.critical
    assert list(usage.value) == [ID_PIV_CARD_AUTH]


@pytest.mark.parametrize(
    ("issued", "not_after"),
    [
        (datetime(2027, 1, 10, 12, 0, tzinfo=UTC), datetime(2029, 1, 9, 23, 59, 59, tzinfo=UTC)),
        # summer time: the day ends an hour earlier in UTC
        (datetime(2027, 7, 10, 12, 0, tzinfo=UTC), datetime(2029, 7, 9, 22, 59, 59, tzinfo=UTC)),
        # half past midnight in London is still the day before in UTC
        (datetime(2027, 7, 9, 23, 30, tzinfo=UTC), datetime(2029, 7, 9, 22, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_certificate_ends_with_its_730th_day_in_london(
    authority: BuiltInAuthority, issued: datetime, not_after: datetime
) -> None:
    made = authority.issue(Slot.AUTHENTICATION, P256, uuid=HOLDER, guid=GUID, now=issued)
    assert made.not_after == not_after
    certificate = x509.load_der_x509_certificate(made.der)
    assert expires_on(certificate) == date(2029, made.not_after.month, 9)


def test_an_aged_certificate_is_expired_and_not_of_an_unknown_issuer(
    authority: BuiltInAuthority,
) -> None:
    check(
        issue(authority, Slot.AUTHENTICATION, days_back=700).der,
        Slot.AUTHENTICATION,
        authority,
        now=NOW,
    )
    with pytest.raises(CertificateRefused) as refused:
        check(
            issue(authority, Slot.AUTHENTICATION, days_back=731).der,
            Slot.AUTHENTICATION,
            authority,
            now=NOW,
        )
    assert refused.value.problem is PathProblem.EXPIRED


@pytest.mark.parametrize("days_back", [0, 800])
def test_another_authority_with_the_same_names_is_an_unknown_issuer(
    authority: BuiltInAuthority, tmp_path: Path, days_back: int
) -> None:
    BuiltInAuthority.create(tmp_path / "other", b"other", now=NOW)
    other = BuiltInAuthority.open(tmp_path / "other", b"other", origin=ORIGIN)
    der = issue(other, Slot.AUTHENTICATION, days_back=days_back).der
    with pytest.raises(CertificateRefused) as refused:
        check(der, Slot.AUTHENTICATION, authority, now=NOW)
    assert refused.value.problem is PathProblem.UNKNOWN_ISSUER


def test_a_certificate_not_yet_begun_and_one_that_is_none_are_refused(
    authority: BuiltInAuthority,
) -> None:
    der = issue(authority, Slot.AUTHENTICATION, days_back=-2).der
    with pytest.raises(CertificateRefused) as refused:
        check(der, Slot.AUTHENTICATION, authority, now=NOW)
    assert refused.value.problem is PathProblem.NOT_YET_VALID
    with pytest.raises(CertificateRefused) as refused:
        check(b"\x30\x03\x02\x01\x00", Slot.AUTHENTICATION, authority, now=NOW)
    assert refused.value.problem is PathProblem.UNREADABLE


@pytest.mark.parametrize(
    "key",
    [
        spki(ec.generate_private_key(ec.SECP384R1())),
        spki(rsa.generate_private_key(65537, 3072)),
        b"",
    ],
    ids=["P-384", "RSA-3072", "nothing"],
)
def test_only_p256_and_rsa_2048_get_a_certificate(authority: BuiltInAuthority, key: bytes) -> None:
    with pytest.raises(KeyRefused):
        issue(authority, Slot.AUTHENTICATION, key)


def test_keys_lie_encrypted_and_for_their_owner_alone(folder: Path) -> None:
    keys = sorted(folder.glob("*-key.pem"))
    assert [key.name for key in keys] == [
        "card-authentication-key.pem", "issuing-key.pem", "root-key.pem"
    ]  # fmt: skip
    for key in keys:
        assert key.stat().st_mode & 0o777 == 0o600
        assert b"ENCRYPTED PRIVATE KEY" in key.read_bytes()


def test_a_wrong_passphrase_or_an_empty_folder_opens_no_authority(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(AuthorityUnusable):
        BuiltInAuthority.open(folder, b"wrong", origin=ORIGIN)
    with pytest.raises(AuthorityUnusable):
        BuiltInAuthority.open(tmp_path, PASSPHRASE, origin=ORIGIN)


def test_an_authority_is_never_made_over_another(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        BuiltInAuthority.create(folder, PASSPHRASE, now=NOW)


def test_the_running_server_does_not_need_the_roots_key(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if path.name != "root-key.pem":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert BuiltInAuthority.open(tmp_path, PASSPHRASE, origin=ORIGIN).roots


def test_smartcard_logon_is_added_where_the_setting_says_so_and_believed_either_way(
    authority: BuiltInAuthority, folder: Path, tmp_path: Path
) -> None:
    windows = BuiltInAuthority.open(folder, PASSPHRASE, origin=ORIGIN, smartcard_logon=True)
    for slot in Slot:
        der = issue(windows, slot).der
        usages = (
            x509.load_der_x509_certificate(der)
            .extensions.get_extension_for_class(x509.ExtendedKeyUsage)
            .value
        )
        assert (SMARTCARD_LOGON in usages) == (slot is Slot.AUTHENTICATION)
        for issuer in (authority, windows):
            check(der, slot, issuer, now=NOW)
            check(issue(authority, slot).der, slot, issuer, now=NOW)
    signs_in = issue(windows, Slot.AUTHENTICATION).der
    assert "OK" in openssl_verify(folder, signs_in, tmp_path, "-purpose", "sslclient")


def test_each_certificate_names_where_it_can_be_asked_about(authority: BuiltInAuthority) -> None:
    for slot in Slot:
        made = issue(authority, slot)
        read = x509.load_der_x509_certificate(made.der)
        access = read.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        assert [each.access_location.value for each in access] == [
            f"{ORIGIN}/pki/ocsp",
            f"{ORIGIN}/pki/{made.issuer}.crt",
        ]
        (point,) = read.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        shard = f"{read.serial_number & 0xFF:02x}"
        assert [each.value for each in point.full_name or ()] == [
            f"{ORIGIN}/pki/{made.issuer}/{shard}.crl"
        ]
