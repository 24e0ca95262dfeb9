"""What the script of a page with a card brings: where the card is, and what was read from it.

Every start of a card operation wants the same; a page may send anything.
"""

import re
from datetime import datetime
from typing import Any, TypedDict

from app import clock
from app.blueprints.browsers import browser_digest
from app.card_operations.office import Office, current_office

GUID_LENGTH = 32
SERIAL_LENGTH = 64


class AtTheBridge(TypedDict):
    """Where an operation begins: at which bridge and card, in which browser, and when."""

    sid: str
    seat: str
    browser: str
    office: Office
    now: datetime


def at_the_bridge(body: dict[str, Any]) -> AtTheBridge:
    return {
        "sid": str(body.get("sid")),
        "seat": str(body.get("seat")),
        "browser": browser_digest(),
        "office": current_office(),
        "now": clock.now(),
    }


def guid_meant(body: dict[str, Any]) -> str | None:
    """The identifier of the card that the page means, if it names one."""
    return str(body.get("card") or "")[:GUID_LENGTH] or None


def tries_left(body: dict[str, Any]) -> int | None:
    """How many tries the chip left for its passcode when the page read it, where it said so."""
    told = str(body.get("tries_left"))
    return int(told) if re.fullmatch("[0-9]{1,2}", told) else None


def reading(body: dict[str, Any]) -> dict[str, Any]:
    """What the page has read from the card in the second reader."""
    found = body.get("reading")
    return found if isinstance(found, dict) else {}


def guid_shown(body: dict[str, Any]) -> str | None:
    """The identifier that the card in the second reader shows, if it shows one."""
    guid = reading(body).get("guid")
    return guid[:GUID_LENGTH] if isinstance(guid, str) else None


def serial_told(body: dict[str, Any]) -> str | None:
    """The serial number that the chip in the second reader says, if it says one."""
    serial = reading(body).get("serial")
    return serial[:SERIAL_LENGTH] if isinstance(serial, str) else None
