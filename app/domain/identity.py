"""The numbers by which people and cards are known."""

import re

DIGITS = 12
_TWELVE = re.compile(r"[0-9]{12}")
_GUID = re.compile(r"[0-9a-f]{32}")


def is_uuid(text: str) -> bool:
    """Say whether a text can be a person's unique user identity (UUID).

    Twelve ASCII digits, of which not all are the same. The first is not 0: a number that has been
    through a spreadsheet would lose it.
    """
    return bool(_TWELVE.fullmatch(text)) and text[0] != "0" and len(set(text)) > 1


def is_card_number(text: str) -> bool:
    """Say whether a text can be the number printed on a card: twelve ASCII digits."""
    return bool(_TWELVE.fullmatch(text))


def is_guid(text: str) -> bool:
    """Say whether a text is a card's GUID as the service writes it: 32 lower-case hex digits."""
    return bool(_GUID.fullmatch(text)) and set(text) != {"0"}
