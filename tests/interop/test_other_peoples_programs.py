"""The virtual card is right when programs that nobody here wrote agree that it is a PIV card.

Cards for these tests take a numeric passcode; the tools of Debian's packages know no other rule,
and no management key but 3DES.
"""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_public_key,
)

from reader_bridge.piv.apdu import CardConnection
from reader_bridge.piv.card import PivCard
from reader_bridge.virtual.applet import VirtualCard
from tests.parts.cards import PASSCODE, PUK
from tests.parts.pcscd import PrivatePcscd

READER = PrivatePcscd.reader(0)
YUBICO = ("yubico-piv-tool", "-r", READER)
LIBRARIES = Path("/usr/lib")
EVERY_SLOT = (("9a", "ECCP256"), ("9c", "RSA2048"), ("9d", "RSA2048"), ("9e", "ECCP256"))


def pkcs11_module():
    found = sorted(LIBRARIES.glob("*/opensc-pkcs11.so"))
    if not found:
        pytest.fail("opensc-pkcs11.so is missing: sudo apt-get install opensc-pkcs11")
    return str(found[0])


@pytest.fixture
def authority(tools):
    """A certificate authority of the test's own."""
    tools.run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-out", "ca.key")
    made = ("-key", "ca.key", "-subj", "/CN=CA", "-out", "ca.crt")
    tools.run("openssl", "req", "-x509", "-new", *made)


def personalise(tools, slot, algorithm):
    """Make a key, have it certified, and put the certificate on the card."""
    public, certificate = f"{slot}.pub", f"{slot}.crt"
    tools.run(*YUBICO, "-a", "generate", "-s", slot, "-A", algorithm, "-o", public)
    tools.run(
        "openssl", "x509", "-new", "-CA", "ca.crt", "-CAkey", "ca.key",
        "-force_pubkey", public, "-subj", f"/CN=Slot {slot}", "-out", certificate,
    )  # fmt: skip
    tools.run(*YUBICO, "-a", "import-certificate", "-s", slot, "-i", certificate)


@pytest.fixture
def personalised(put_in, tools, authority):
    put_in("digits-3des")
    for slot, algorithm in EVERY_SLOT:
        personalise(tools, slot, algorithm)


ANY_CARD = ("digits-63c0", "default", "plain-standard", "lenient", "token", "no-chuid")


@pytest.mark.parametrize("behaviour", ANY_CARD)
def test_opensc_recognises_a_piv_card(put_in, tools, behaviour):
    put_in(behaviour)
    assert "Personal Identity Verification Card" in tools.run("opensc-tool", "-n")
    assert "Personal Identity Verification Card" in tools.run("piv-tool", "-n")


def test_opensc_reads_the_atr(put_in, tools):
    state = put_in("default")
    told = tools.run("opensc-tool", "-a").splitlines()
    assert VirtualCard(state).atr.hex(":") in told


def test_yubicos_tool_tells_the_state_of_a_blank_card(put_in, tools):
    state = put_in("digits-63c0")
    told = tools.run(*YUBICO, "-a", "status")
    assert "Serial Number:\t1234567890" in told
    assert state.guid.hex() in told
    assert "PIN tries left:\t5" in told


def test_yubicos_tool_takes_a_card_without_chuid_as_one(put_in, tools):
    put_in("no-chuid")
    assert "No data available" in tools.run(*YUBICO, "-a", "status")


@pytest.mark.parametrize(("slot", "algorithm"), EVERY_SLOT)
def test_yubicos_tool_makes_a_key_places_its_certificate_and_has_it_sign(
    put_in, tools, authority, slot, algorithm
):
    put_in("digits-3des")
    personalise(tools, slot, algorithm)
    test = ("-a", "test-signature", "-s", slot, "-i", f"{slot}.crt")
    assert "Successful" in tools.run(*YUBICO, "-a", "verify-pin", "-P", PASSCODE, *test)
    assert f"CN=Slot {slot}" in tools.run(*YUBICO, "-a", "status")


def test_yubicos_tool_deciphers_with_an_rsa_key(put_in, tools, authority):
    put_in("digits-3des")
    personalise(tools, "9d", "RSA2048")
    test = ("-a", "test-decipher", "-s", "9d", "-i", "9d.crt")
    assert "Success" in tools.run(*YUBICO, "-a", "verify-pin", "-P", PASSCODE, *test)


@pytest.mark.parametrize(
    "kind", [("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"), ("rsa:2048",)], ids=["ec", "rsa"]
)
def test_yubicos_tool_imports_a_key_from_outside(put_in, tools, kind):
    put_in("digits-3des")
    made = ("-keyout", "9a.key", "-subj", "/CN=Outside", "-out", "9a.crt")
    tools.run("openssl", "req", "-x509", "-nodes", "-newkey", *kind, *made)
    tools.run(*YUBICO, "-a", "import-key", "-s", "9a", "-i", "9a.key")
    test = ("-a", "test-signature", "-s", "9a", "-i", "9a.crt")
    assert "Successful" in tools.run(*YUBICO, "-a", "verify-pin", "-P", PASSCODE, *test)


def test_yubicos_tool_changes_the_passcode_and_unblocks_it(put_in, tools):
    put_in("digits-63c0")
    tools.run(*YUBICO, "-a", "change-pin", "-P", PASSCODE, "-N", "654321")
    tools.run(*YUBICO, "-a", "verify-pin", "-P", "654321")
    tools.run(*YUBICO, "-a", "change-puk", "-P", PUK, "-N", "87654321")
    for left in (4, 3, 2, 1):
        wrong = tools.run(*YUBICO, "-a", "verify-pin", "-P", "999999", succeeds=False)
        assert f"{left} tries left" in wrong
    for _ in range(2):
        wrong = tools.run(*YUBICO, "-a", "verify-pin", "-P", "999999", succeeds=False)
        assert "blocked" in wrong
    tools.run(*YUBICO, "-a", "unblock-pin", "-P", "87654321", "-N", "135790")
    tools.run(*YUBICO, "-a", "verify-pin", "-P", "135790")


def test_yubicos_tool_sets_management_key_retry_counts_and_objects(put_in, tools):
    put_in("digits-3des")
    new = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718"
    tools.run(*YUBICO, "-a", "set-chuid", "-a", "set-ccc")
    retries = ("-a", "verify-pin", "-P", PASSCODE, "-a", "pin-retries")
    tools.run(*YUBICO, *retries, "--pin-retries", "7", "--puk-retries", "9")
    assert "PIN tries left:\t7" in tools.run(*YUBICO, "-a", "status")
    tools.run(*YUBICO, "-a", "set-mgm-key", "-n", new)
    tools.run(*YUBICO, "-a", "set-chuid", succeeds=False)
    tools.run(*YUBICO, f"-k{new}", "-a", "set-chuid")


def test_yubicos_tool_resets_a_card_that_is_blocked_for_good(put_in, tools):
    put_in("default")
    for action, times in (("verify-pin", 3), ("unblock-pin", 3)):
        for _ in range(times):
            tools.run(*YUBICO, "-a", action, "-P", "99999999", "-N", "654321", succeeds=False)
    tools.run(*YUBICO, "-a", "reset")
    tools.run(*YUBICO, "-a", "verify-pin", "-P", PASSCODE)


def test_opensc_authenticates_with_the_management_key_and_writes_a_certificate(
    put_in, tools, authority
):
    put_in("digits-3des")
    key = tools.folder / "3des.key"
    key.write_text(":".join(f"{byte:02X}" for byte in bytes(range(1, 9)) * 3))
    write = ("-A", "M:9B:03", "-C", "9A", "-i", "ca.crt")
    # Its exit status here is the number of bytes written, modulo 256.
    tools.run("piv-tool", *write, succeeds=None, PIV_EXT_AUTH_KEY=str(key))
    assert _card_in(tools.folder).read_certificate("9a") == _der(tools, "ca.crt")


def test_opensc_dumps_what_is_on_the_card(personalised, tools):
    told = tools.run("pkcs15-tool", "--dump")
    for label in ("PIV AUTH key", "SIGN key", "KEY MAN key", "CARD AUTH key"):
        assert f"[{label}]" in told
    for label in ("Authentication", "Digital Signature", "Key Management", "Card Authentication"):
        assert f"Certificate for {label}]" in told.replace("PIV ", "")
    read = tools.run("pkcs15-tool", "--read-certificate", "01", "-o", "read.crt")
    assert "not found" not in read
    assert _der(tools, "read.crt") == _der(tools, "9a.crt")


@pytest.mark.parametrize(
    ("slot", "key", "mechanism", "form"),
    [("9a", "01", "ECDSA-SHA256", "openssl"), ("9c", "02", "SHA256-RSA-PKCS", "rs")],
)
def test_pkcs11_signs_and_verifies(personalised, tools, slot, key, mechanism, form):
    (tools.folder / "message").write_bytes(b"message")
    pkcs11 = ("pkcs11-tool", "--module", pkcs11_module(), "--id", key, "-m", mechanism)
    tools.run(
        *pkcs11, "--login", "--pin", PASSCODE, "--sign",
        "-i", "message", "-o", "signature", "-f", form,
    )  # fmt: skip
    checked = ("-verify", f"{slot}.pub", "-signature", "signature", "message")
    assert "Verified OK" in tools.run("openssl", "dgst", "-sha256", *checked)
    verified = ("--verify", "-i", "message", "--signature-file", "signature", "-f", form)
    assert "Signature is valid" in tools.run(*pkcs11, *verified)


def test_pkcs11s_own_test_finds_no_errors(personalised, tools):
    module = pkcs11_module()
    told = tools.run("pkcs11-tool", "--module", module, "--login", "--pin", PASSCODE, "--test")
    assert "No errors" in told


def test_what_other_programs_wrote_is_read_here(personalised, tools):
    card = _card_in(tools.folder)
    for slot, _ in EVERY_SLOT:
        assert card.read_certificate(slot) == _der(tools, f"{slot}.crt")
        public = load_pem_public_key((tools.folder / f"{slot}.pub").read_bytes())
        assert x509.load_der_x509_certificate(card.read_certificate(slot)).public_key() == public


def _der(tools, name):
    pem = (tools.folder / name).read_bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def _card_in(folder):
    card = PivCard(CardConnection(VirtualCard.load(folder / "card.json")))
    card.select()
    return card
