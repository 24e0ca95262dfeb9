"""Bytes as text and JSON as bytes, in the one way that page, bridge and server agree on."""

import base64
import binascii
import hashlib
import json
from typing import Any


class NotBase64Url(ValueError):
    """A text that should be base64url without padding is not."""


def to_text(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def to_bytes(text: object) -> bytes:
    """The bytes of a base64url text without padding.

    Raises:
        NotBase64Url: it is not one.
    """
    if not isinstance(text, str):
        raise NotBase64Url("not a text")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise NotBase64Url("not base64url") from error


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: what digests are made of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(value: Any) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical(value)).hexdigest()
