"""Alerts: a person hears of what opens or guards their card, at every address that we have of them.

Whoever reads one mailbox in secret cannot keep the other from being told. Part of the action that
an alert tells of: no action, no mail.
"""

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Person, SelfService
from app.services import outbox


def alert(
    person: Person | None,
    template: str,
    *,
    now: datetime,
    also: Iterable[str | None] = (),
    **facts: Any,
) -> int:
    """Write to a person's contact address, to the one of their self-service, and to ``also``:
    addresses that were theirs until now. To each once. Return to how many.

    ``at`` in the words of a message is ``now``, unless ``facts`` say otherwise.
    """
    if person is None:
        return 0
    told = different([person.email, registered_address(person.id), *also])
    for address in told:
        outbox.queue(address, template, now=now, **{"at": now, "name": person.name, **facts})
    return len(told)


def registered_address(person_id: int) -> str | None:
    """Return the address of a person's self-service; none where they are not registered."""
    return db.session.scalar(
        select(SelfService.email).where(
            SelfService.person_id == person_id, SelfService.registered_at.is_not(None)
        )
    )


def different(addresses: Iterable[str | None]) -> list[str]:
    """Return each address once, in their order; capitals make no difference."""
    found: dict[str, str] = {}
    for address in filter(None, addresses):
        found.setdefault(unicodedata.normalize("NFC", address).casefold(), address)
    return list(found.values())
