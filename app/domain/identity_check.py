"""Which documents an agent may have seen before a card is issued or repaired.

That they were seen is kept, with the agent's signature; nothing of what stands in them is.
"""

from collections.abc import Sequence
from enum import StrEnum


class Document(StrEnum):
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving-licence"
    RESIDENCE_PERMIT = "residence-permit"
    EMPLOYER_CARD = "employer-card"
    OTHER = "other-document"


DOCUMENTS = tuple(Document)
_SEEN, _COMPARED = "seen: ", "; photo compared"


def evidence(seen: Sequence[Document]) -> str:
    """Write the check as the approval's text and the audit log keep it."""
    return _SEEN + ", ".join(document.value for document in seen) + _COMPARED


def seen_in(note: str) -> list[Document]:
    """Read such a check again."""
    words = note.removeprefix(_SEEN).removesuffix(_COMPARED).split(", ")
    return [document for document in DOCUMENTS if document.value in words]
