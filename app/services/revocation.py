"""Which certificates are still good, as the database has it at this moment."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from app.domain.revocation import UNKNOWN, Known, Standing, standing
from app.models import Card, Certificate

# Put together once: that takes longer than the database needs to answer
_ASKED = (
    select(
        Certificate.serial,
        Certificate.status,
        Certificate.not_before,
        Certificate.revoked_at,
        Certificate.revocation_reason,
        Card.status,
        Card.suspended_at,
    )
    .join(Card, Card.id == Certificate.card_id)
    .where(Certificate.issuer == bindparam("issuer"))
)
_ONE = _ASKED.where(Certificate.serial == bindparam("serial"))
_SEVERAL = _ASKED.where(Certificate.serial.in_(bindparam("serials", expanding=True)))


def standings(
    database: Connection | Session, issuer: str, serials: Sequence[str]
) -> dict[str, Standing]:
    """Return what is to be said of each of these certificates. One query, by their index.

    ``issuer`` is the name of the authority that is asked about them: another one's certificates
    are unknown to it. ``serials`` are hex, without leading zeros.
    """
    if len(serials) == 1:
        found = database.execute(_ONE, {"issuer": issuer, "serial": serials[0]})
    else:
        found = database.execute(_SEVERAL, {"issuer": issuer, "serials": list(serials)})
    said = dict.fromkeys(serials, UNKNOWN)
    for serial, status, not_before, revoked_at, reason, card, suspended_at in found:
        said[serial] = standing(
            Known(
                status=status,
                not_before=not_before,
                revoked_at=revoked_at,
                reason=reason,
                card=card,
                suspended_at=suspended_at,
            )
        )
    return said
