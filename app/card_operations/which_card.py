"""Which of our cards one in a reader is, also where other software has written its identifier."""

from collections.abc import Mapping

from cryptography import x509
from sqlalchemy import select

from app.domain.errors import Conflict
from app.domain.principal import Principal
from app.extensions import db
from app.models import Card, Certificate
from reader_bridge.contract import Slot

# The card-authentication certificate lives as long as the card; the others come and go.
SLOTS = (Slot.CARD_AUTHENTICATION, Slot.AUTHENTICATION, Slot.SIGNATURE)


def which_card(guid: str | None, certificates: Mapping[str, bytes]) -> Card | None:
    """Find a card by what a page has read from it: its GUID, and certificates (DER) by slot.

    A card's identity is its card-authentication key; the GUID is an index to find it by, which
    other software may rewrite. Nothing of this is proven: whatever works with the card asks it to
    prove that it is this one.
    """
    card_key = certificates.get(Slot.CARD_AUTHENTICATION.value)
    found = _with_certificate(card_key) if card_key else None
    if found is None and guid:
        found = db.session.scalar(select(Card).where(Card.guid == guid.lower()))
    for slot in SLOTS[1:]:
        written = certificates.get(slot.value)
        if found is None and written:
            found = _with_certificate(written)
    return found


def demand_own(principal: Principal, guid: str | None) -> None:
    """Make sure that a card in a reader, which shows this, is the one that is signed in with.

    Raises:
        Conflict: it is another one.
    """
    if guid is not None and guid.lower() != principal.card_guid:
        raise Conflict("another-card")


def _with_certificate(der: bytes) -> Card | None:
    try:
        serial = f"{x509.load_der_x509_certificate(der).serial_number:x}"
    except ValueError:
        return None
    known = db.session.scalar(select(Certificate).where(Certificate.serial == serial))
    return known.card if known is not None and known.der == der else None
