"""Names as a search compares them, and names as a list sorts them."""

import re
import unicodedata

# Letters that no decomposition takes apart, as people without them on the keyboard type them
_LETTERS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
        "ı": "i", "ħ": "h", "ŋ": "n",
    }
)  # fmt: skip
_NOT_WORD = re.compile(r"[^\w\s]|_")


def folded(text: str) -> str:
    """Return a name without case, accents and punctuation, one space between words.

    "O'Brien", "OBrien" and "o’brien" fold to the same, as do "Zoë" and "Zoe"; a hyphen is a space:
    "Smith-Jones" folds as "Smith Jones".
    """
    text = re.sub(r"[-‐‑‒–—]", " ", text)
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(_NOT_WORD.sub("", text).split())
