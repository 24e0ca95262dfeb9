"""The issuing authorities' keys in a PKCS#11 token: SoftHSM's, through its real module."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.ocsp import load_der_ocsp_response

from app.domain.revocation import GOOD
from app.pki import crl
from app.pki.authority import AuthorityUnusable, BuiltInAuthority
from app.pki.key_stores import FirstThat, KeyFiles, KeyUnusable, key_store
from app.pki.ocsp import Responder, Status
from app.pki.profiles import CARDS, PERSONS
from app.pki.token import Token
from app.pki.validation import check
from reader_bridge.contract import Slot
from tests.parts.softhsm import LABEL, PIN
from tests.pki.test_ocsp import look_up, request

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
GUID = UUID("8b0ad0cb-5a8c-4b3c-9c43-0d1f9a6f4b55")
SPKI = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)


@pytest.fixture
def token(softhsm: dict[str, str]) -> Token:
    return Token(softhsm["PKCS11_MODULE"], LABEL, PIN)


@pytest.fixture(scope="module")
def folder(softhsm: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority whose issuing keys were made in the token."""
    folder = tmp_path_factory.mktemp("token") / "pki"
    keys = key_store(softhsm, folder, b"secret")
    BuiltInAuthority.create(folder, b"secret", now=NOW - timedelta(days=1), keys=keys)
    return folder


@pytest.fixture
def authority(folder: Path, softhsm: dict[str, str]) -> BuiltInAuthority:
    keys = key_store(softhsm, folder, b"secret")
    return BuiltInAuthority.open(folder, b"secret", origin="http://pki.example.org", keys=keys)


def test_no_issuing_key_lies_in_the_folder(folder: Path) -> None:
    assert sorted(file.name for file in folder.glob("*-key.pem")) == ["root-key.pem"]


def test_what_the_token_signs_is_believed(authority: BuiltInAuthority) -> None:
    for slot in Slot:
        made = authority.issue(slot, SPKI, uuid="500200300100", guid=GUID, now=NOW)
        assert check(made.der, slot, authority, now=NOW)
    for name in (PERSONS, CARDS):
        signer = authority.authorities[name]
        listed = [("7f", NOW, None)]
        made_list = crl.sign(signer, listed, number=1, now=NOW, next_update=NOW + crl.LIFE)
        read = x509.load_der_x509_crl(made_list)
        assert read.is_signature_valid(signer.certificate.public_key())


def test_the_token_is_not_asked_for_each_answer(authority: BuiltInAuthority) -> None:
    responder = Responder(authority.authorities.values())
    signers = set()
    for serial in range(1, 20):
        answer = responder.answer(request(authority, serial), look_up({serial: GOOD}), now=NOW)
        assert answer.status is Status.SUCCESSFUL
        (signer,) = load_der_ocsp_response(answer.content).certificates
        signers.add(signer)
    assert len(signers) == 1


def test_the_private_key_cannot_be_taken_out(token: Token, authority: BuiltInAuthority) -> None:
    key = token.open(PERSONS)
    with pytest.raises(KeyUnusable):
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    with pytest.raises(KeyUnusable):
        key.private_numbers()
    told = subprocess.run(
        ["pkcs11-tool", "--module", token.module, "--login", "--pin", PIN, "--list-objects",
         "--type", "privkey", "--label", PERSONS],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    assert "sensitive" in told
    assert "never extractable" in told
    assert PIN not in repr(token)


def test_signatures_of_a_digest_are_signatures_too(token: Token, folder: Path) -> None:
    key = token.open(PERSONS)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"message")
    made = key.sign(digest.finalize(), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    key.public_key().verify(made, b"message", ec.ECDSA(hashes.SHA256()))


def test_a_session_that_was_closed_is_opened_again(token: Token, folder: Path) -> None:
    key = token.open(PERSONS)
    token._session._open.close()
    key.public_key().verify(
        key.sign(b"x", ec.ECDSA(hashes.SHA256())), b"x", ec.ECDSA(hashes.SHA256())
    )


def test_a_process_that_was_forked_signs_too(token: Token, folder: Path) -> None:
    key = token.open(PERSONS)
    child = os.fork()
    if child == 0:
        try:
            key.sign(b"x", ec.ECDSA(hashes.SHA256()))
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_no_key_is_made_over_another(token: Token, folder: Path) -> None:
    with pytest.raises(FileExistsError):
        token.make(PERSONS)


TRIES = """
import sys
from app.pki.key_stores import KeyUnusable
from app.pki.token import Token
token = Token(*sys.argv[1:4])
for _ in range(20):
    try:
        token.open("issuing")
    except KeyUnusable as problem:
        print(problem)
"""


@pytest.mark.parametrize(
    ("place", "wrong", "says"),
    [
        (0, "/nowhere/module.so", "/nowhere/module.so"),
        (1, "another", "another"),
        (2, "00000000", "PinIncorrect"),
    ],
)
def test_a_token_that_is_not_as_the_settings_say_is_said_plainly_and_its_pin_not_used_up(
    token: Token, folder: Path, place: int, wrong: str, says: str
) -> None:
    told = [token.module, LABEL, PIN]
    told[place] = wrong
    # in a process of its own: here somebody is signed in to the token
    done = subprocess.run(
        [sys.executable, "-c", TRIES, *told], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.count(says) >= 20, done.stderr
    right = subprocess.run(
        [sys.executable, "-c", TRIES, token.module, LABEL, PIN],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (right.stdout, right.returncode) == ("", 0)


def test_a_key_in_a_file_goes_on_beside_one_in_the_token(token: Token, tmp_path: Path) -> None:
    files = KeyFiles(tmp_path, b"secret")
    kept = files.make("kept-in-a-file")
    both = FirstThat((token, files))
    assert both.open("kept-in-a-file").public_key() == kept.public_key()
    with pytest.raises(KeyUnusable, match="nowhere"):
        both.open("nowhere")


def test_a_key_that_is_not_the_certificate_s_is_refused(folder: Path, softhsm, tmp_path) -> None:
    for file in folder.glob("*.pem"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    files = KeyFiles(tmp_path, b"secret")
    for name in (PERSONS, CARDS):
        files.make(name)
    with pytest.raises(AuthorityUnusable, match="not the one"):
        BuiltInAuthority.open(tmp_path, b"secret", origin="http://x", keys=files)
