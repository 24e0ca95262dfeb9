"""How a virtual card behaves: everything in which real PIV cards differ, as settings.

The named behaviours are for tests, training and the demonstration. Each difference was measured
on a real card application; a card that has it is a normal card.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from reader_bridge.piv.management import ALGORITHMS
from reader_bridge.piv.profiles import COUNTING


@dataclass(frozen=True)
class Tear:
    """The card leaves the reader at the Nth APDU, before or after it has taken effect.

    Happens once: the card that is put in again behaves.
    """

    at: int
    takes_effect: bool


@dataclass(frozen=True)
class Behaviour:
    """One make of card. The defaults are a strict and complete card."""

    # Passcode and PUK
    passcode_tries: int = 3
    puk_tries: int = 3
    blocked_sw: int = 0x6983  # the answer when nothing is left: 6983 or 63C0
    last_wrong_sw: int = 0x6983  # the answer to the try that blocks: 6983 or 63C0
    passcode_min: int = 4
    passcode_max: int = 8
    digits_only: bool = False  # passcode and PUK alike
    accepts_empty_passcode: bool = False
    malformed_verify_costs_a_try: bool = False
    change_verifies: bool = True  # CHANGE REFERENCE DATA leaves the new passcode verified
    reset_retry_verifies: bool = False
    keeps_passcode_across_select: bool = False
    signature_wants_verify_just_before: bool = True  # 9C: any other command between loses it
    dead_when_both_blocked: bool = False  # signing answers 6F00 with passcode and PUK blocked
    factory_passcode: str = "123456"
    factory_puk: str = "12345678"
    retry_counts_settable: bool = True
    resettable: bool = True

    # Management key
    management_algorithm: str = "AES192"
    management_key_settable: bool = True
    accepts_zero_management_key: bool = False
    empty_82_deceives: bool = False  # an empty 82 beside the answer: 9000, and not authenticated
    new_witness_ends_authentication: bool = True
    signature_drops_witness: bool = True

    # Objects
    leaves_factory_with_chuid: bool = True
    largest_object: int = 12_000
    oversized_write_destroys: bool = False
    keeps_partial_writes: bool = False  # each frame of a chain is written as it comes
    deleted_object_reads_empty: bool = False  # an empty 53 instead of 6A82

    # Keys
    empty_slot_sw: int = 0x6A86  # the answer to a signature by an empty slot
    key_generation_seconds: float = 0.0
    signature_seconds: float = 0.0  # and any other use of a private key
    keeps_rsa_beside_ec: bool = False  # an RSA key outlives a new EC key in its slot
    attestation: str = "none"  # "none", "good", "short" (the last byte is missing)

    # What the standard does not have
    metadata: bool = True
    empty_slot_metadata_sw: int = 0x6A88  # or 9000 with no algorithm, or 6D00
    has_serial: bool = True
    version: tuple[int, int, int] | None = (5, 4, 3)

    # Transport
    command_seconds: float = 0.0  # what each command takes, answer included
    extended: str = "refused"  # "refused" (6700), "taken", "taken-61xx"

    tear: Tear | None = None

    @property
    def factory_management_key(self) -> bytes:
        size = ALGORITHMS[self.management_algorithm].key
        return (COUNTING * 4)[:size]

    def as_settings(self) -> dict[str, Any]:
        """The settings that differ from the defaults, for the card's file."""
        names = [each.name for each in fields(self)]
        own = {name: getattr(self, name) for name in names}
        differing = {n: value for n, value in own.items() if value != getattr(_DEFAULT, n)}
        if self.tear is not None:
            differing["tear"] = asdict(self.tear)
        return differing

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> "Behaviour":
        """Read what as_settings wrote.

        Raises:
            ValueError: there is a setting that no card has.
        """
        unknown = set(settings) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"no such behaviour: {', '.join(sorted(unknown))}")
        values = dict(settings)
        if values.get("tear"):
            values["tear"] = Tear(**values["tear"])
        if values.get("version"):
            values["version"] = tuple(values["version"])
        return cls(**values)


_DEFAULT = Behaviour()
_DIGITS = Behaviour(
    passcode_min=6,
    digits_only=True,
    blocked_sw=0x63C0,
    last_wrong_sw=0x63C0,
    passcode_tries=5,
)

BEHAVIOURS: dict[str, Behaviour] = {
    "default": _DEFAULT,
    "digits-63c0": _DIGITS,
    # The management key that other people's programs expect of a card from the factory.
    "digits-3des": replace(_DIGITS, management_algorithm="3DES"),
    # Three cards put together from the measured ones, none of which the defaults resemble.
    "plain-standard": replace(
        _DIGITS,
        management_algorithm="3DES",
        management_key_settable=False,
        metadata=False,
        has_serial=False,
        version=None,
        retry_counts_settable=False,
        resettable=False,
        leaves_factory_with_chuid=False,
        keeps_partial_writes=True,
        deleted_object_reads_empty=True,
        oversized_write_destroys=True,
        largest_object=2996,
        empty_slot_sw=0x6985,
        malformed_verify_costs_a_try=True,
        dead_when_both_blocked=True,
        change_verifies=False,
        accepts_zero_management_key=True,
    ),
    "lenient": Behaviour(
        accepts_empty_passcode=True,
        accepts_zero_management_key=True,
        management_algorithm="AES256",
        passcode_tries=10,
        signature_wants_verify_just_before=False,
        keeps_passcode_across_select=True,
        empty_82_deceives=True,
        new_witness_ends_authentication=False,
        signature_drops_witness=False,
        keeps_rsa_beside_ec=True,
        empty_slot_metadata_sw=0x9000,
        extended="taken-61xx",
        attestation="short",
        last_wrong_sw=0x63C0,
    ),
    "token": Behaviour(
        management_algorithm="AES128",
        passcode_tries=6,
        empty_slot_sw=0x6982,
        empty_slot_metadata_sw=0x6D00,
        extended="taken",
        attestation="good",
        keeps_partial_writes=True,
        malformed_verify_costs_a_try=True,
    ),
    # One difference each
    "no-chuid": replace(_DEFAULT, leaves_factory_with_chuid=False),
    "no-metadata": replace(_DEFAULT, metadata=False),
    "no-serial": replace(_DEFAULT, has_serial=False),
    "fixed-counts": replace(_DEFAULT, retry_counts_settable=False),
    "fixed-management-key": replace(_DEFAULT, management_key_settable=False),
    "3des": replace(_DEFAULT, management_algorithm="3DES"),
    "aes128": replace(_DEFAULT, management_algorithm="AES128"),
    "aes256": replace(_DEFAULT, management_algorithm="AES256"),
    "partial-writes": replace(_DEFAULT, keeps_partial_writes=True),
    "small-objects": replace(_DEFAULT, largest_object=2996, oversized_write_destroys=True),
    "extended": replace(_DEFAULT, extended="taken"),
    "slow-keys": replace(_DEFAULT, key_generation_seconds=5.0),
}


def named(name: str) -> Behaviour:
    """Return the behaviour of this name.

    Raises:
        KeyError: there is none.
    """
    return BEHAVIOURS[name]
