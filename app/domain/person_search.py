"""What somebody means who types into the search box: a UUID, a NINO, or names in either order."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import Invalid
from app.domain.identity import DIGITS
from app.domain.names import folded

LONGEST = 100  # characters
MOST_WORDS = 8

_NINO = re.compile(r"[A-Z]{2}[0-9]{6}[A-D]")
_NINO_WITHOUT_ITS_END = re.compile(r"[A-Z]{2}[0-9]{6}")


class SearchProblem(StrEnum):
    MISSING = "search-missing"
    TOO_LONG = "search-too-long"
    NOT_12_DIGITS = "search-not-12-digits"
    NINO_ENDING = "search-nino-ending"


@dataclass(frozen=True)
class ByUuid:
    uuid: str


@dataclass(frozen=True)
class ByNino:
    """The National Insurance number in capitals without spaces. Never printed."""

    nino: str

    def __repr__(self) -> str:
        return "<ByNino>"


@dataclass(frozen=True)
class NameStart:
    """How the two names of a person begin, folded; an empty one begins every name."""

    given: str
    family: str


@dataclass(frozen=True)
class ByName:
    """Every way in which the words can be parted into the starts of two names."""

    starts: tuple[NameStart, ...]


Sought = ByUuid | ByNino | ByName


def sought(text: str) -> Sought:
    """Return whom a text asks for.

    Raises:
        Invalid: it asks for nobody; the field is ``search``.
    """
    if len(text) > LONGEST:
        raise _problem(SearchProblem.TOO_LONG)
    together = "".join(text.split())
    if together.isascii() and together.isdigit():
        if len(together) != DIGITS:
            raise _problem(SearchProblem.NOT_12_DIGITS)
        return ByUuid(together)
    capitals = together.upper()
    if _NINO.fullmatch(capitals):
        return ByNino(capitals)
    if _NINO_WITHOUT_ITS_END.fullmatch(capitals):
        raise _problem(SearchProblem.NINO_ENDING)
    words = folded(text).replace("\0", "").split()
    if not words:
        raise _problem(SearchProblem.MISSING)
    if len(words) > MOST_WORDS:
        raise _problem(SearchProblem.TOO_LONG)
    return ByName(name_starts(words))


def name_starts(words: list[str]) -> tuple[NameStart, ...]:
    """Return every way to part words into given and family name, in both orders, none twice."""
    parted = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(len(words) + 1)]
    both = [NameStart(*names) for names in parted]
    both += [NameStart(given, family) for family, given in parted]
    return tuple(dict.fromkeys(both))


def _problem(problem: SearchProblem) -> Invalid:
    return Invalid({"search": problem})
