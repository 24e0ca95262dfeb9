"""What makers set on every card before they sell it, and publish: where issuing a card begins."""

from dataclasses import dataclass

from app.card_operations.management import ManagementKey

COUNTING = bytes(range(1, 9))  # 01 02 .. 08, the key that makers agree on


@dataclass(frozen=True)
class FactorySettings:
    """Management keys in the order in which to try them, the passcode and the PUK."""

    keys: tuple[ManagementKey, ...]
    passcode: str = "123456"
    puk: str = "12345678"


STANDARD = FactorySettings(
    (
        ManagementKey("3DES", COUNTING * 3),
        ManagementKey("AES192", COUNTING * 3),
        ManagementKey("AES256", COUNTING * 4),
        ManagementKey("AES128", COUNTING * 2),
    )
)

MAKES: dict[str, FactorySettings] = {}  # makes that differ, by the name of their profile

KNOWN_TO_EVERYBODY = frozenset(
    key for settings in (STANDARD, *MAKES.values()) for key in settings.keys
)


def factory_settings(profile: str) -> FactorySettings:
    return MAKES.get(profile, STANDARD)
