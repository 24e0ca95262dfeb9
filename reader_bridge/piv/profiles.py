"""Card profiles: what one make of card can do, as data in one table.

A card that is none of these gets the standard profile, in which None means: ask the card.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PasscodeRule:
    """What the card accepts as a passcode. ``alphabet`` is "ascii" or "digits"."""

    min_length: int
    max_length: int
    alphabet: str


@dataclass(frozen=True, repr=False)
class FactoryKey:
    """A management key that the maker sets on every card, and publishes."""

    algorithm: str
    key: bytes


@dataclass(frozen=True)
class CardProfile:
    """One make of card.

    A card is of this make when its ATR contains ``atr_contains``. ``retry_counts_settable``,
    ``management_key_settable`` and ``resettable`` are None where only trying can tell.
    ``largest_object`` is in bytes, None when unknown.
    """

    name: str
    title: str
    manufacturer: str
    rule: PasscodeRule
    factory_passcodes: tuple[str, ...]
    factory_puks: tuple[str, ...]
    factory_keys: tuple[FactoryKey, ...]
    retry_counts_settable: bool | None = None
    management_key_settable: bool | None = None
    management_algorithms: tuple[str, ...] = ("AES192", "3DES", "AES256", "AES128")
    key_algorithms: tuple[str, ...] = ("ES256", "RS256")
    largest_object: int | None = None
    resettable: bool | None = None
    virtual: bool = False
    atr_contains: tuple[bytes, ...] = ()
    select_answer_contains: tuple[bytes, ...] = ()


COUNTING = bytes(range(1, 9))  # 01 02 .. 08, the key that makers agree on
EVERY_COUNTING_KEY = (
    FactoryKey("3DES", COUNTING * 3),
    FactoryKey("AES192", COUNTING * 3),
    FactoryKey("AES256", COUNTING * 4),
    FactoryKey("AES128", COUNTING * 2),
)

VIRTUAL_ASCII = CardProfile(
    name="virtual",
    title="Virtual card",
    manufacturer="Virtual",
    rule=PasscodeRule(4, 8, "ascii"),
    factory_passcodes=("123456",),
    factory_puks=("12345678",),
    factory_keys=EVERY_COUNTING_KEY,
    virtual=True,
    atr_contains=(b"VirtualPIV/A",),
)

VIRTUAL_DIGITS = CardProfile(
    name="virtual-digits",
    title="Virtual card with a numeric passcode",
    manufacturer="Virtual",
    rule=PasscodeRule(6, 8, "digits"),
    factory_passcodes=("123456",),
    factory_puks=("12345678",),
    factory_keys=EVERY_COUNTING_KEY,
    virtual=True,
    atr_contains=(b"VirtualPIV/D",),
)

YUBIKEY_5 = CardProfile(
    name="yubikey-5",
    title="YubiKey 5",
    manufacturer="Yubico",
    rule=PasscodeRule(6, 8, "ascii"),
    factory_passcodes=("123456",),
    factory_puks=("12345678",),
    factory_keys=(FactoryKey("AES192", COUNTING * 3), FactoryKey("3DES", COUNTING * 3)),
    retry_counts_settable=True,
    management_key_settable=True,
    largest_object=3052,
    resettable=True,
    atr_contains=(b"YubiKey",),
)

STANDARD = CardProfile(
    name="standard",
    title="PIV card",
    manufacturer="Unknown",
    rule=PasscodeRule(6, 8, "digits"),  # the standard's own rule: [piv2] 2.4.3
    factory_passcodes=("123456", "000000"),
    factory_puks=("12345678",),
    factory_keys=EVERY_COUNTING_KEY,
    # The smallest capacity measured on a card, so that no write destroys what it cannot replace.
    largest_object=2996,
)

PROFILES = (VIRTUAL_ASCII, VIRTUAL_DIGITS, YUBIKEY_5, STANDARD)
BY_NAME = {profile.name: profile for profile in PROFILES}


def recognise(atr: bytes = b"", select_answer: bytes = b"") -> CardProfile:
    """Return the profile that the card's ATR or its answer to SELECT names, else the standard."""
    for profile in PROFILES:
        if any(mark in atr for mark in profile.atr_contains):
            return profile
        if any(mark in select_answer for mark in profile.select_answer_contains):
            return profile
    return STANDARD
