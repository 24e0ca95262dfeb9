"""What the service believes of a card, held against what is in the chip."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from reader_bridge.piv import objects
from reader_bridge.virtual.state import CardState
from tests.parts.service import Service
from tests.parts.visitor import CARDS

SLOTS = ("9a", "9c", "9e")

STATUS = "SELECT id, status, person_id FROM card WHERE guid = ?"
ACTIVE = "SELECT slot, der FROM certificate WHERE card_id = ? AND status = 'active'"
RENEWED = """
SELECT count(*) FROM card_operation WHERE card_id = ? AND kind = 'renew' AND state = 'done'
"""
UNFINISHED = """
SELECT kind FROM card_operation
WHERE card_id = ? AND finished_at IS NULL AND kind NOT IN ('sign-in', 'presence')
"""


@dataclass(frozen=True)
class Belief:
    """A card as the database has it."""

    status: str
    has_holder: bool
    renewals: int
    unfinished: list[str]
    certificates: dict[str, bytes]


def chip(service: Service, card: str) -> CardState:
    return CardState.load(service.installation.cards / f"{card}.json")


def in_chip(service: Service, card: str) -> dict[str, bytes]:
    """The certificates in a card, by slot."""
    held = chip(service, card).objects
    return {
        slot: objects.decode_certificate(content)
        for slot in SLOTS
        if (content := held.get(objects.CERTIFICATES[slot]))
    }


def believed(service: Service, guid: str) -> Belief:
    with closing(sqlite3.connect(service.database, timeout=10)) as database:
        card_id, status, person_id = database.execute(STATUS, (guid,)).fetchone()
        return Belief(
            status=status,
            has_holder=person_id is not None,
            renewals=database.execute(RENEWED, (card_id,)).fetchone()[0],
            unfinished=[kind for (kind,) in database.execute(UNFINISHED, (card_id,))],
            certificates=dict(database.execute(ACTIVE, (card_id,)).fetchall()),
        )


def guid_of(service: Service, card: str) -> str:
    guid = chip(service, card).guid
    assert guid is not None, "the card is empty"
    return guid.hex()


def must_be_renewed_once(service: Service, card: str) -> None:
    """One new pair, in the chip and in the database, and nothing that waits for anybody."""
    belief = believed(service, guid_of(service, card))
    assert (belief.status, belief.renewals, belief.unfinished) == ("issued", 1, []), belief
    assert belief.certificates == in_chip(service, card)
    assert set(belief.certificates) == set(SLOTS)
    left = chip(service, card).passcode
    assert left.value.rstrip(b"\xff").decode() == CARDS[card].passcode
    assert left.left == left.tries
