"""The codes that were mailed: read as the person reads them who gets the mail."""

import re

from sqlalchemy import select

from app.extensions import db
from app.models import OutboxMessage
from app.services import outbox

CODE = re.compile(r"^(\d{3}) (\d{3})\r?$", re.MULTILINE)


def mailed_code(to: str) -> str:
    """Return the newest code that waits to be mailed to an address."""
    message = db.session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.to == to, OutboxMessage.bodies_sealed.is_not(None))
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    ).one()
    text, _ = outbox._bodies(message)
    db.session.rollback()
    return code_in(text)


def code_in(text: str) -> str:
    """Return the code in the text of a message."""
    found = CODE.search(text)
    assert found, text
    return found[1] + found[2]
