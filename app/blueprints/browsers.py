"""This browser, as rows of the database know it: by a digest, so that no row can be replayed."""

import hashlib

from app.blueprints.permissions import browser


def browser_digest() -> str:
    """Return the SHA-256 (hex) of this browser's identifier from before anybody signs in."""
    return hashlib.sha256(browser().encode()).hexdigest()
