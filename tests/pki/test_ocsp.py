"""OCSP answers, as programs that nobody here wrote read them."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from app.domain.revocation import GOOD, UNKNOWN, RevocationReason, Standing, Verdict
from app.pki.authority import BuiltInAuthority
from app.pki.ocsp import LIFE, PREPARED_FOR, SIGNER_LIFE, Responder, Status
from app.pki.ocsp_request import MOST_BYTES, MOST_CERTIFICATES
from app.pki.profiles import CARDS, PERSONS

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
SINCE = datetime(2027, 2, 1, 8, 30, tzinfo=UTC)
SERIAL = 0x7ABC
REVOKED = Standing(Verdict.REVOKED, SINCE, RevocationReason.KEY_COMPROMISE)
Said = dict[int, Standing]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ocsp") / "pki"
    BuiltInAuthority.create(folder, b"secret", now=datetime(2026, 1, 1, tzinfo=UTC))
    return folder


@pytest.fixture(scope="module")
def authority(folder: Path) -> BuiltInAuthority:
    return BuiltInAuthority.open(folder, b"secret", origin="http://pki.example.org")


@pytest.fixture
def responder(authority: BuiltInAuthority) -> Responder:
    return Responder(authority.authorities.values())


def look_up(said: Said) -> Callable[[str, Sequence[str]], Mapping[str, Standing]]:
    def found(issuer: str, serials: Sequence[str]) -> Mapping[str, Standing]:
        return {each: said.get(int(each, 16), UNKNOWN) for each in serials}

    return found


def request(
    authority: BuiltInAuthority,
    serial: int = SERIAL,
    algorithm: hashes.HashAlgorithm | None = None,
    *,
    issuer: str = PERSONS,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """A request as `cryptography` writes it."""
    algorithm = algorithm or hashes.SHA1()  # noqa: S303 - what most programs send
    named = authority.authorities[issuer].certificate
    own = certificate_id(named, algorithm)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(*own, serial, algorithm)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.build().public_bytes(Encoding.DER)


def certificate_id(
    issuer: x509.Certificate, algorithm: hashes.HashAlgorithm
) -> tuple[bytes, bytes]:
    """Hashes of an issuer's name and key; that of the key as `cryptography` makes it."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, algorithm)
    made = ocsp.load_der_ocsp_request(builder.build().public_bytes(Encoding.DER))
    name = hashes.Hash(algorithm)
    name.update(issuer.subject.public_bytes())
    return name.finalize(), made.issuer_key_hash


def answered(
    responder: Responder, body: bytes, said: Said, now: datetime = NOW
) -> ocsp.OCSPResponse:
    answer = responder.answer(body, look_up(said), now=now)
    return ocsp.load_der_ocsp_response(answer.content)


def status(responder: Responder, body: bytes) -> Status:
    return responder.answer(body, look_up({}), now=NOW).status


@pytest.mark.parametrize(
    "algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()],  # noqa: S303
    ids=lambda each: each.name,
)  # fmt: skip
@pytest.mark.parametrize("issuer", [PERSONS, CARDS])
def test_a_good_certificate_is_good_however_it_is_asked_about(
    authority: BuiltInAuthority, responder: Responder, algorithm: hashes.HashAlgorithm, issuer: str
) -> None:
    body = request(authority, algorithm=algorithm, issuer=issuer)
    made = answered(responder, body, {SERIAL: GOOD})
    assert made.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert made.serial_number == SERIAL
    assert made.hash_algorithm.name == algorithm.name
    assert (made.this_update_utc, made.next_update_utc) == (NOW, NOW + LIFE)


@pytest.mark.parametrize(
    ("reason", "flag"),
    [
        (RevocationReason.KEY_COMPROMISE, x509.ReasonFlags.key_compromise),
        (RevocationReason.SUPERSEDED, x509.ReasonFlags.superseded),
        (RevocationReason.CERTIFICATE_HOLD, x509.ReasonFlags.certificate_hold),
        (RevocationReason.AFFILIATION_CHANGED, x509.ReasonFlags.affiliation_changed),
        (RevocationReason.CESSATION_OF_OPERATION, x509.ReasonFlags.cessation_of_operation),
        (RevocationReason.PRIVILEGE_WITHDRAWN, x509.ReasonFlags.privilege_withdrawn),
        (RevocationReason.UNSPECIFIED, None),
    ],
)
def test_a_revoked_certificate_is_told_with_time_and_reason(
    authority: BuiltInAuthority,
    responder: Responder,
    reason: RevocationReason,
    flag: x509.ReasonFlags | None,
) -> None:
    said = {SERIAL: Standing(Verdict.REVOKED, SINCE, reason)}
    made = answered(responder, request(authority), said)
    assert made.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert (made.revocation_time_utc, made.revocation_reason) == (SINCE, flag)


def test_a_serial_that_nobody_knows_is_unknown(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    made = answered(responder, request(authority), {})
    assert made.certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_the_signer_is_for_ocsp_alone_and_for_days(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    made = answered(responder, request(authority), {SERIAL: GOOD})
    (signer,) = made.certificates
    issuer = authority.authorities[PERSONS].certificate
    signer.verify_directly_issued_by(issuer)
    key = signer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(made.signature, made.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert signer.extensions.get_extension_for_class(x509.OCSPNoCheck)
    assert signer.not_valid_after_utc == NOW + SIGNER_LIFE
    assert made.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(key).digest


def test_the_signer_is_another_before_it_expires(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    signers = set()
    for hours in (0, 35, 37, 71, 80):
        now = NOW + timedelta(hours=hours)
        (signer,) = answered(responder, request(authority), {SERIAL: GOOD}, now).certificates
        assert signer.not_valid_after_utc > now + LIFE
        signers.add(signer.serial_number)
    assert len(signers) == 3


@pytest.mark.parametrize("size", [1, 16, 32, 128])
def test_a_nonce_comes_back(authority: BuiltInAuthority, responder: Responder, size: int) -> None:
    nonce = x509.OCSPNonce(bytes(range(size)))
    for critical in (False, True):
        body = request(authority, extensions=[(nonce, critical)])
        answer = responder.answer(body, look_up({SERIAL: GOOD}), now=NOW)
        made = ocsp.load_der_ocsp_response(answer.content)
        assert made.extensions.get_extension_for_class(x509.OCSPNonce).value == nonce
        assert not answer.may_be_kept


@pytest.mark.parametrize("size", [0, 129, 1000])
def test_a_nonce_of_another_length_is_malformed(
    authority: BuiltInAuthority, responder: Responder, size: int
) -> None:
    body = request(authority, extensions=[(x509.OCSPNonce(bytes(size)), False)])
    assert status(responder, body) is Status.MALFORMED_REQUEST


def test_an_answer_without_nonce_is_prepared_until_the_state_changes_or_it_is_old(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    def content(said: Standing, after: timedelta = timedelta(0)) -> bytes:
        body = request(authority)
        return responder.answer(body, look_up({SERIAL: said}), now=NOW + after).content

    first = content(GOOD)
    almost = PREPARED_FOR - timedelta(seconds=1)
    assert content(GOOD, almost) == first
    assert content(REVOKED, almost) != first
    assert content(GOOD, PREPARED_FOR) != first


def test_what_strangers_make_up_does_not_drive_prepared_answers_out(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    def content(serial: int) -> bytes:
        body = request(authority, serial)
        return responder.answer(body, look_up({SERIAL: GOOD}), now=NOW).content

    prepared, made_up = content(SERIAL), content(0x10)
    assert content(SERIAL) == prepared  # the same signature
    assert content(0x10) != made_up  # signed anew


def test_what_a_request_has_beside_its_certificate_is_not_kept(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    def content(beside: bytes) -> bytes:
        other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), beside)
        body = request(authority, extensions=[(other, False)])
        return responder.answer(body, look_up({SERIAL: GOOD}), now=NOW).content

    assert content(bytes(64)) != content(bytes(64))  # signed anew


def test_a_critical_extension_that_is_not_understood_is_refused(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    body = request(authority, extensions=[(other, True)])
    assert status(responder, body) is Status.MALFORMED_REQUEST
    body = request(authority, extensions=[(other, False)])
    assert status(responder, body) is Status.SUCCESSFUL


def test_certificates_of_others_are_not_answered_for(responder: Responder, tmp_path: Path) -> None:
    BuiltInAuthority.create(tmp_path / "other", b"x", now=NOW)
    other = BuiltInAuthority.open(tmp_path / "other", b"x", origin="http://other")
    assert status(responder, request(other)) is Status.UNAUTHORIZED


def test_the_issuer_s_name_alone_does_not_make_it_ours(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    named = authority.authorities[PERSONS].certificate
    name, key = certificate_id(named, hashes.SHA1())  # noqa: S303
    builder = ocsp.OCSPRequestBuilder()
    body = builder.add_certificate_by_hash(name, key[::-1], SERIAL, hashes.SHA1()).build()  # noqa: S303
    assert status(responder, body.public_bytes(Encoding.DER)) is Status.UNAUTHORIZED


@given(st.binary(max_size=300))
def test_what_is_no_request_is_malformed(body: bytes) -> None:
    assert Responder([]).answer(body, look_up({}), now=NOW).status is Status.MALFORMED_REQUEST


@given(data=st.data())
def test_a_damaged_request_is_answered_or_refused(
    authority: BuiltInAuthority, data: st.DataObject
) -> None:
    nonce = (x509.OCSPNonce(bytes(16)), False)
    body = bytearray(request(authority, extensions=[nonce]))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255))
    responder = Responder(authority.authorities.values())
    answer = responder.answer(bytes(body), look_up({SERIAL: GOOD}), now=NOW)
    ocsp.load_der_ocsp_response(answer.content)


def test_longer_than_the_limit_is_malformed(
    authority: BuiltInAuthority, responder: Responder
) -> None:
    body = request(authority) + bytes(MOST_BYTES)
    assert status(responder, body) is Status.MALFORMED_REQUEST


# OpenSSL, which also asks about several at once


def openssl(*arguments: object) -> str:
    command = ["openssl", "ocsp", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


@pytest.fixture
def ask(responder: Responder, folder: Path, tmp_path: Path) -> Callable[..., str]:
    """Have OpenSSL ask about serials, and judge the answer, at its own time."""

    def asked(said: Said, *options: str, issuer: str = PERSONS) -> str:
        asks = [word for serial in said for word in ("-serial", hex(serial))]
        about = [*options, "-issuer", folder / f"{issuer}.pem", *asks]
        openssl(*about, "-reqout", tmp_path / "request")
        body = (tmp_path / "request").read_bytes()
        answer = responder.answer(body, look_up(said), now=datetime.now(UTC))
        (tmp_path / "response").write_bytes(answer.content)
        trusted = ["-CAfile", folder / "root.pem"]
        chain = ["-verify_other", folder / f"{issuer}.pem"]
        reads = ["-reqin", tmp_path / "request", "-respin", tmp_path / "response"]
        return openssl(*about, *reads, *trusted, *chain, "-no_nonce")

    return asked


@pytest.mark.parametrize("options", [[], ["-no_nonce"], ["-sha256"]], ids=str)
@pytest.mark.parametrize("issuer", [PERSONS, CARDS])
def test_openssl_believes_the_answer(
    ask: Callable[..., str], options: list[str], issuer: str
) -> None:
    told = ask({SERIAL: GOOD}, *options, issuer=issuer)
    assert "Response verify OK" in told
    assert f"{hex(SERIAL)}: good" in told


def test_openssl_asks_about_several_at_once(ask: Callable[..., str]) -> None:
    told = ask({SERIAL: GOOD, 0x10: REVOKED, 0x11: UNKNOWN})
    assert "Response verify OK" in told
    assert f"{hex(SERIAL)}: good" in told
    assert "0x10: revoked" in told
    assert "Reason: keyCompromise" in told
    assert "0x11: unknown" in told


def test_more_than_anybody_asks_about_at_once_is_malformed(ask: Callable[..., str]) -> None:
    asked = dict.fromkeys(range(1, MOST_CERTIFICATES + 2), GOOD)
    assert "malformedrequest" in ask(asked)


def test_openssl_s_signed_request_is_answered(
    responder: Responder, folder: Path, tmp_path: Path
) -> None:
    key, own = tmp_path / "key", tmp_path / "own"
    made = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-keyout", key, "-subj", "/CN=Who asks",
            "-out", own]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True, timeout=30)
    openssl("-issuer", folder / f"{PERSONS}.pem", "-serial", hex(SERIAL), "-signer", own,
            "-signkey", key, "-reqout", tmp_path / "request")  # fmt: skip
    made_of = (tmp_path / "request").read_bytes()
    assert answered(responder, made_of, {SERIAL: GOOD}).serial_number == SERIAL


def test_one_answer_does_not_speak_for_two_authorities(
    authority: BuiltInAuthority, responder: Responder, folder: Path, tmp_path: Path
) -> None:
    asks = [word for name in (PERSONS, CARDS)
            for word in ("-issuer", folder / f"{name}.pem", "-serial", hex(SERIAL))]  # fmt: skip
    openssl(*asks, "-reqout", tmp_path / "request")
    assert status(responder, (tmp_path / "request").read_bytes()) is Status.UNAUTHORIZED
