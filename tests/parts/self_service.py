"""People who are registered for self-service, as rows: for tests that begin after registering."""

from datetime import datetime

from app.extensions import db
from app.models import Person, SelfService

REGISTERED_EMAIL = "ada.lovelace@nhs.net"


def registered(person: Person, now: datetime, **more: object) -> SelfService:
    """Somebody who has registered; ``more`` are columns that are different."""
    values: dict[str, object] = {
        "email": REGISTERED_EMAIL,
        "registered_at": now,
        "questions_changed_at": now,
        **more,
    }
    row = SelfService(person_id=person.id, **values)
    db.session.add(row)
    db.session.commit()
    return row
