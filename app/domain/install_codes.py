"""Install codes: how they are written, typed and kept. With one, a PC's bridge is enrolled."""

import hashlib
from datetime import datetime
from enum import StrEnum

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter looks like a digit
LENGTH, GROUP = 20, 4  # 100 bits: nobody finds one by trying
MOST_USES = 500
LONGEST_LABEL = 100

_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class CodeState(StrEnum):
    """Whether a code still enrols anybody."""

    GOOD = "good"
    USED_UP = "used-up"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class CodeProblem(StrEnum):
    """What is wrong with what was asked of a new code."""

    LABEL_MISSING = "label-missing"
    LABEL_TOO_LONG = "label-too-long"
    USES = "uses"  # not from 1 to MOST_USES


def written(code: str) -> str:
    """Write a code in groups, as people read it to one another."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def digest(typed: str) -> str:
    """Return the SHA-256 (hex) of a code, however it was typed: that is all that is kept of it."""
    code = typed.upper().translate(_MISREAD)
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def state(
    *,
    uses: int,
    used: int,
    expires_at: datetime,
    withdrawn_at: datetime | None,
    now: datetime,
) -> CodeState:
    """Say whether a code is still good, or why not."""
    if withdrawn_at is not None:
        return CodeState.WITHDRAWN
    if used >= uses:
        return CodeState.USED_UP
    return CodeState.GOOD if now < expires_at else CodeState.EXPIRED
