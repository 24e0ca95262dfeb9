"""Contact details that a person types: what is wrong with them, and how they are written."""

import re
from enum import StrEnum

JOB_TITLE_LENGTH = 100


class TelephoneProblem(StrEnum):
    CHARACTERS = "telephone-characters"
    TOO_SHORT = "telephone-too-short"
    TOO_LONG = "telephone-too-long"
    NOT_MOBILE = "not-a-mobile-number"


_SPACING = re.compile(r"[\s().‐-–-]")
_EXTENSION = re.compile(r"(?:ext\.?|extension|x|#)([0-9]{1,6})$")


def telephone_written(text: str) -> str:
    """Return a telephone number without spacing: digits, + in front of a country, x before an
    extension ("020 7946 0123 ext. 45" is "02079460123x45", "+44 (0)20 ..." is "+4420...").

    The text is returned as it is, only without spacing, where it is no telephone number.
    """
    text = _SPACING.sub("", text.casefold().replace("(0)", "") if "+" in text else text.casefold())
    extension = _EXTENSION.search(text)
    if extension:
        text = f"{text[: extension.start()]}x{extension[1]}"
    if text.startswith("00"):
        text = f"+{text[2:]}"
    return text


def telephone_shown(number: str) -> str:
    """Return a number as it is written in the United Kingdom: "0113 496 0123", "07700 900123".

    Any other number is returned as it is kept.
    """
    number, _, extension = telephone_written(number).partition("x")
    country = "+44 " if number.startswith("+44") else "0"
    national = number.removeprefix("+44" if country == "+44 " else "0")
    if (number.startswith("0") or country == "+44 ") and national.isdecimal():
        number = country + _grouped(national)
    return f"{number} ext. {extension}" if extension else number


def _grouped(national: str) -> str:
    """Group the digits after the 0, by the length of the area's code (Ofcom's numbering plan)."""
    if len(national) == 10:
        if national.startswith("2"):  # 020 7946 0123
            return f"{national[:2]} {national[2:6]} {national[6:]}"
        three = national[0] in "389" or national[:2] == "11" or national[0] + national[2] == "11"
        if three or national[:2] in ("55", "56"):  # 0113 496 0123, 0300 123 4567
            return f"{national[:3]} {national[3:6]} {national[6:]}"
    if len(national) == 9 and national.startswith("8"):  # 0800 123456
        return f"{national[:3]} {national[3:]}"
    if len(national) in (9, 10):  # 01632 960123, 07700 900123
        return f"{national[:4]} {national[4:]}"
    return national


def telephone_problem(text: str) -> TelephoneProblem | None:
    """Return what is wrong with a telephone number, or None. Empty is for the caller to judge."""
    number, _, _ = telephone_written(text).partition("x")
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return TelephoneProblem.CHARACTERS
    if number.startswith(("0", "+44")):  # a United Kingdom number: ten digits, in places nine
        national = len(digits) - (2 if number.startswith("+44") else 1)
        shortest, longest = 9, 10
    elif number.startswith("+"):
        national, shortest, longest = len(digits), 8, 15  # ITU-T E.164
    else:
        national, shortest, longest = len(digits), 3, 8  # inside an organisation's own exchange
    if national < shortest:
        return TelephoneProblem.TOO_SHORT
    return TelephoneProblem.TOO_LONG if national > longest else None


def mobile_problem(text: str) -> TelephoneProblem | None:
    """Return what is wrong with a mobile number, or None: 07 or +447, or another country's."""
    problem = telephone_problem(text)
    if problem is not None:
        return problem
    number = telephone_written(text)
    if number.startswith(("07", "+447")):
        return None
    foreign = number.startswith("+") and not number.startswith("+44")
    return None if foreign else TelephoneProblem.NOT_MOBILE
