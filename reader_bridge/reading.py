"""What a page may know of a card without a ticket. Runs in the reader's thread."""

from typing import Any

from reader_bridge import encoding
from reader_bridge.contract import Slot
from reader_bridge.open_card import OpenCard
from reader_bridge.piv.errors import MalformedAnswer, UnexpectedStatus


def read(opened: OpenCard, *, reader: str, seat: str, in_virtual_reader: bool) -> dict[str, Any]:
    """Read GUID, certificates, tries left and make of a card that was just taken.

    Raises:
        NotAPivCard, CardRemoved.
    """
    opened.select()
    certificates = {}
    for slot in Slot:
        der = _certificate(opened, slot)
        if der is not None:
            certificates[slot.value] = encoding.to_text(der)
    profile = opened.card.profile
    return {
        "reader": reader,
        "seat": seat,
        "guid": opened.guid,
        "blank": opened.guid is None or not certificates,
        "virtual": in_virtual_reader or profile.virtual,
        "profile": profile.name,
        "profile_title": profile.title,
        "manufacturer": profile.manufacturer,
        "serial": opened.card.serial(),
        "passcode_left": opened.card.passcode_tries_left(),
        "rule": {
            "min_length": profile.rule.min_length,
            "max_length": profile.rule.max_length,
            "alphabet": profile.rule.alphabet,
        },
        "certificates": certificates,
    }


def tries_left(opened: OpenCard) -> int | None:
    """Only how many tries the passcode has left, of a card that is known."""
    opened.select()
    return opened.card.passcode_tries_left()


def _certificate(opened: OpenCard, slot: Slot) -> bytes | None:
    """A certificate that cannot be read is none: it may have been half written."""
    try:
        return opened.card.read_certificate(slot)
    except (MalformedAnswer, UnexpectedStatus):
        return None
