"""A card's certificates in other people's programs, through its whole life.

OpenSSL asks where the certificate itself says, by OCSP and by its list, and is told the same.
"""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from reader_bridge.contract import Algorithm, Slot
from tests.card_operations.conftest import bridge, counter, holder, office, pki_folder
from tests.interop.relying import (
    cancel,
    card,
    current,
    list_of,
    origin,
    read,
    relying_party,
    resume,
    suspend,
)
from tests.interop.test_issued_cards import FORMS, OBJECTS, PASSCODE, elsewhere, pem
from tests.interop.test_other_peoples_programs import pkcs11_module
from tests.parts.renewing import expiring, start_renewal

__all__ = [
    "bridge",
    "card",
    "counter",
    "elsewhere",
    "holder",
    "office",
    "origin",
    "pki_folder",
    "relying_party",
]
PAIR = (Slot.AUTHENTICATION, Slot.SIGNATURE)


def test_openssl_is_told_the_same_by_ocsp_and_by_lists_as_a_card_lives(
    counter, card, relying_party
):
    rows = [current(card, slot) for slot in Slot]

    def said() -> set[str]:
        return {each for row in rows for each in relying_party.verdicts(row)}

    assert said() == {"good"}
    suspend(card, counter)
    assert said() == {"certificateHold"}
    resume(card, counter)
    assert said() == {"good"}
    cancel(card, counter)
    assert said() == {"keyCompromise"}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_renewed_card_signs_with_its_new_pair_and_the_old_one_is_superseded(
    counter, holder, origin, relying_party, tools, elsewhere, algorithm
):
    counter.put_in("digits-3des")
    card = expiring(counter, counter.issue(holder, passcode=PASSCODE, algorithm=algorithm))
    counter.sign_in(card, passcode=PASSCODE)
    before = [current(card, slot) for slot in PAIR]
    counter.run(start_renewal(counter, card), passcode=PASSCODE)
    after = [current(card, slot) for slot in PAIR]
    elsewhere()
    assert {each for row in before for each in relying_party.verdicts(row)} == {"superseded"}
    mechanism, form = FORMS[algorithm]
    (tools.folder / "message").write_bytes(b"message")
    for slot, row in zip(PAIR, after, strict=True):
        assert relying_party.verdicts(row) == {"good"}
        number = OBJECTS[slot.value]
        tools.run("pkcs15-tool", "--read-certificate", number, "-o", "read.crt")
        on_card = x509.load_pem_x509_certificate((tools.folder / "read.crt").read_bytes())
        assert on_card.public_bytes(Encoding.DER) == row.der
        pkcs11 = ("pkcs11-tool", "--module", pkcs11_module(), "--id", number)
        signs = (*pkcs11, "-m", mechanism, "-i", "message", "-f", form)
        tools.run(*signs, "--login", "--pin", PASSCODE, "--sign", "-o", "signature")
        verified = tools.run(*signs, "--verify", "--signature-file", "signature")
        assert "Signature is valid" in verified


def test_the_issuing_authority_itself_is_looked_up_in_the_root_s_list(
    card, tools, relying_party, origin
):
    certificate = read(current(card, Slot.AUTHENTICATION))
    (tools.folder / "asked.pem").write_bytes(pem(certificate))
    lists = [
        relying_party.fetch_list(url) for url in (f"{origin}/pki/root.crl", list_of(certificate))
    ]
    (tools.folder / "lists.pem").write_text("".join(lists))
    told = tools.run(
        "openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", "lists.pem",
        "-CAfile", "root.pem", "-untrusted", "chain.pem", "asked.pem",
    )  # fmt: skip
    assert "asked.pem: OK" in told
