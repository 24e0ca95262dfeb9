"""The vault: what is sealed opens for its own place only, and never shows itself."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vault import BadKey, CannotOpen, Vault

CURRENT, OLD, FOREIGN = (bytes([number]) * 32 for number in (1, 2, 3))
PLACE = {"table": "card", "column": "puk_sealed", "row": "ab" * 16}


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_again(secret):
    vault = Vault(CURRENT)
    assert vault.open(vault.seal(secret, **PLACE), **PLACE) == secret


@pytest.mark.parametrize(
    "elsewhere",
    [{"table": "person"}, {"column": "puk_pending_sealed"}, {"row": "cd" * 16}, {"row": ""}],
)
def test_a_sealed_value_does_not_open_in_another_place(elsewhere):
    vault = Vault(CURRENT)
    sealed = vault.seal(b"12345678", **PLACE)
    with pytest.raises(CannotOpen):
        vault.open(sealed, **{**PLACE, **elsewhere})


def test_two_places_are_never_the_same_place():
    vault = Vault(CURRENT)
    sealed = vault.seal(b"12345678", table="a", column="bc", row="d")
    with pytest.raises(CannotOpen):
        vault.open(sealed, table="ab", column="c", row="d")


def test_a_sealed_value_with_any_bit_changed_does_not_open():
    vault = Vault(CURRENT)
    sealed = vault.seal(b"12345678", **PLACE)
    for position in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[position] ^= 1 << bit
            with pytest.raises(CannotOpen):
                vault.open(bytes(altered), **PLACE)


@given(st.binary(max_size=64))
def test_bytes_that_nobody_sealed_are_refused_and_not_a_crash(junk):
    with pytest.raises(CannotOpen):
        Vault(CURRENT).open(junk, **PLACE)


def test_the_same_secret_sealed_twice_looks_different():
    vault = Vault(CURRENT)
    assert vault.seal(b"same", **PLACE) != vault.seal(b"same", **PLACE)


def test_values_under_an_old_key_open_and_can_be_resealed():
    sealed = Vault(OLD).seal(b"secret", **PLACE)
    both = Vault(CURRENT, OLD)
    assert both.open(sealed, **PLACE) == b"secret"
    assert both.needs_resealing(sealed)
    fresh = both.reseal(sealed, **PLACE)
    assert not both.needs_resealing(fresh)
    assert Vault(CURRENT).open(fresh, **PLACE) == b"secret"


def test_a_vault_without_the_key_says_so():
    with pytest.raises(CannotOpen, match="not here"):
        Vault(CURRENT).open(Vault(FOREIGN).seal(b"secret", **PLACE), **PLACE)


def test_a_blind_index_finds_equal_texts_and_tells_purposes_apart():
    vault = Vault(CURRENT)
    assert vault.blind_index("nino", "QQ123456C") == vault.blind_index("nino", "QQ123456C")
    assert vault.blind_index("nino", "QQ123456C") != vault.blind_index("nino", "QQ123456D")
    assert vault.blind_index("nino", "QQ123456C") != vault.blind_index("uuid", "QQ123456C")


def test_while_keys_change_an_index_under_the_old_key_is_found():
    before = Vault(OLD).blind_index("nino", "QQ123456C")
    assert before in Vault(CURRENT, OLD).blind_indexes("nino", "QQ123456C")


def test_keys_come_from_the_settings_in_base64():
    current, old = (base64.b64encode(key).decode() for key in (CURRENT, OLD))
    sealed = Vault(OLD).seal(b"secret", **PLACE)
    assert Vault.from_settings(current, old).open(sealed, **PLACE) == b"secret"


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", "A" * 43])
def test_a_key_that_is_not_32_bytes_in_base64_is_refused(text):
    with pytest.raises(BadKey):
        Vault.from_settings(text)


def test_nothing_of_a_key_or_a_secret_is_printed():
    shown = repr(Vault(CURRENT, OLD))
    assert CURRENT.hex() not in shown
    assert base64.b64encode(CURRENT).decode() not in shown
    vault = Vault(CURRENT)
    with pytest.raises(CannotOpen) as error:
        vault.open(vault.seal(b"very secret", **PLACE), table="x", column="y", row="z")
    assert "very secret" not in str(error.value)
