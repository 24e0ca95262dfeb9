"""Lists of revoked certificates, as `cryptography` reads them."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from app.domain.revocation import RevocationReason
from app.pki import crl, der
from app.pki.authority import Authority
from app.pki.key_stores import KeyFiles
from app.pki.making import certify, create

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
SECONDS = st.integers(0, 100 * 365 * 86_400)  # past 2049, where the form of a moment changes
MOMENTS = SECONDS.map(lambda passed: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=passed))
ENTRIES = st.lists(
    st.tuples(
        st.integers(1, 2**159).map(lambda number: f"{number:x}"),
        MOMENTS,
        st.none() | st.sampled_from(RevocationReason),
    ),
    unique_by=lambda entry: entry[0],
    max_size=40,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("crl") / "pki"
    keys = KeyFiles(folder, b"secret")
    create(folder, b"secret", keys, origin=None, now=NOW)
    certificate = x509.load_pem_x509_certificate((folder / "issuing.pem").read_bytes())
    return Authority("issuing", certificate, keys.open("issuing"))


def sign(
    authority: Authority, entries: list[crl.Entry], **more: str
) -> x509.CertificateRevocationList:
    content = crl.sign(
        authority, entries, number=7, now=NOW, next_update=NOW + crl.LIFE, **more
    )  # fmt: skip
    made = x509.load_der_x509_crl(content)
    assert made.is_signature_valid(authority.certificate.public_key())
    return made


@given(entries=ENTRIES)
def test_what_is_listed_is_read_back(authority: Authority, entries: list[crl.Entry]) -> None:
    made = sign(authority, entries)
    read = [(f"{each.serial_number:x}", each.revocation_date_utc) for each in made]
    assert read == [(serial, since) for serial, since, _ in entries]
    for entry, (_, _, reason) in zip(made, entries, strict=True):
        told = [each.value.reason.name for each in entry.extensions]
        expected = [] if reason in (None, RevocationReason.UNSPECIFIED) else [reason.name.lower()]
        assert told == expected


def test_a_list_says_whose_it_is_and_how_long_it_is_good(authority: Authority) -> None:
    made = sign(authority, [])
    assert made.issuer == authority.certificate.subject
    assert (made.last_update_utc, made.next_update_utc) == (NOW, NOW + crl.LIFE)
    identifier = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert identifier.key_identifier == own.value.digest
    assert made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.IssuingDistributionPoint)


def test_a_shard_names_its_address(authority: Authority) -> None:
    made = sign(authority, [], address="http://pki.example.org/pki/issuing/7f.crl")
    point = made.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert point.critical
    assert [each.value for each in point.value.full_name or ()] == [
        "http://pki.example.org/pki/issuing/7f.crl"
    ]


@given(st.lists(st.integers(0, 2**40), max_size=6).map(lambda arcs: [2, 5, *arcs]))
def test_object_identifiers_are_written_as_cryptography_does(arcs: list[int]) -> None:
    identifier = x509.ObjectIdentifier(".".join(map(str, arcs)))
    usage = x509.ExtendedKeyUsage([identifier]).public_bytes()
    assert der.sequence(der.oid(identifier)) == usage


def test_an_issuing_authority_never_outlives_its_root(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    root = authority.certificate  # it ends in 20 years
    late = datetime(2040, 1, 1, tzinfo=UTC)
    made = certify("issuing-2", key.public_key(), root, key, origin=None, now=late)
    assert made.not_valid_after_utc == root.not_valid_after_utc
