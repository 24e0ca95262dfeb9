"""However a virtual card behaves, a client that keeps to the rules gets its work done."""

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from reader_bridge.piv.errors import NotAuthenticated, Unsupported
from reader_bridge.virtual.behaviour import BEHAVIOURS
from tests.parts.cards import PASSCODE, authenticate, der_signature, in_hand, ready, virtual_card

every_behaviour = pytest.mark.parametrize("name", BEHAVIOURS)


def verify(public_key: bytes, algorithm: str, signature: bytes, message: bytes) -> None:
    key = load_der_public_key(public_key)
    if algorithm == "ES256":
        key.verify(der_signature(signature), message, ec.ECDSA(hashes.SHA256()))
    else:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


@every_behaviour
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_key_made_on_the_card_signs_so_that_anybody_can_verify(name, algorithm):
    card = ready(name)
    for slot in ("9a", "9c"):
        public_key = card.generate(slot, algorithm)
        card.verify(PASSCODE)
        verify(public_key, algorithm, card.sign(slot, algorithm, b"message"), b"message")


@every_behaviour
def test_a_certificate_comes_back_as_it_was_written(name):
    card = ready(name)
    for size in (1, 900, 1430, 2900):
        card.write_certificate("9a", bytes(size))
        assert card.read_certificate("9a") == bytes(size)


@every_behaviour
def test_the_passcode_and_the_puk_are_changed(name):
    card = ready(name)
    card.change_passcode(PASSCODE, "654321")
    card.change_puk("12345678", "87654321")
    card.reset_retry_counter("87654321", "135790")
    card.verify("135790")


@every_behaviour
def test_a_reset_of_the_card_drops_every_authentication_and_the_application(name):
    virtual = virtual_card(name)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.generate("9a", "ES256")
    card.verify(PASSCODE)
    virtual.reset()
    with pytest.raises(Unsupported):  # nothing is selected
        card.sign("9a", "ES256", b"")
    card.select()
    for refused in (
        lambda: card.sign("9a", "ES256", b""),
        lambda: card.generate("9a", "ES256"),
    ):
        with pytest.raises(NotAuthenticated):
            refused()


@every_behaviour
def test_an_erased_card_keeps_nothing_of_its_holder(name):
    virtual = virtual_card(name)
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    guid = virtual.state.guid
    old = {}
    for slot, algorithm in (("9a", "ES256"), ("9c", "RS256"), ("9e", "ES256")):
        old[slot] = card.generate(slot, algorithm)
        card.write_certificate(slot, b"certificate")
    card.write_object(0x5FC106, b"security object")
    assert card.erase() == []
    for slot in ("9a", "9c", "9e"):
        assert card.read_certificate(slot) is None
    card.verify(PASSCODE)
    with pytest.raises((InvalidSignature, Unsupported)):
        verify(old["9a"], "ES256", card.sign("9a", "ES256", b"message"), b"message")
    assert card.read_object(0x5FC106) is None
    assert virtual.state.guid == guid


@every_behaviour
def test_the_atr_says_that_the_card_is_virtual_and_sums_up(name):
    virtual = virtual_card(name)
    assert b"VirtualPIV" in virtual.atr
    check = 0
    for byte in virtual.atr[1:]:
        check ^= byte
    assert check == 0
    assert in_hand(virtual).profile.virtual


@every_behaviour
def test_the_profiles_passcode_rule_is_the_cards(name):
    behaviour = BEHAVIOURS[name]
    rule = in_hand(virtual_card(name)).profile.rule
    assert (rule.min_length, rule.max_length, rule.alphabet == "digits") == (
        behaviour.passcode_min,
        behaviour.passcode_max,
        behaviour.digits_only,
    )


def test_erasing_makes_no_keys_in_slots_that_are_known_to_be_empty():
    virtual = virtual_card()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    assert card.erase() == []
    assert virtual.state.keys == {}


def test_what_cannot_be_erased_is_told():
    virtual = virtual_card()
    card = in_hand(virtual)
    authenticate(card, virtual.state.management_key)
    card.generate("9a", "ES256")
    card.write_certificate("9a", b"certificate")
    honest = virtual.transmit

    def stubborn(apdu):
        if apdu[1] == 0x47:
            return b"\x6f\x00"
        return b"\x90\x00" if apdu[1] == 0xDB else honest(apdu)

    virtual.transmit = stubborn
    assert card.erase() == ["5fc105", "9a"]


def test_erasing_wants_the_management_key():
    card = in_hand(virtual_card("no-metadata"))
    with pytest.raises(NotAuthenticated):
        card.erase()


def test_an_attestation_is_a_certificate_for_the_key():
    card = ready("token")
    public_key = card.generate("9a", "ES256")
    attested = x509.load_der_x509_certificate(card.attest("9a")).public_key()
    assert attested == load_der_public_key(public_key)
