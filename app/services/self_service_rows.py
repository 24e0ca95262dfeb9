"""The rows of self-service: found, made once, locked. Each is part of the caller's action."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.domain.self_service import Change
from app.extensions import db
from app.models import SelfService, SelfServiceDraft


def plain_draft(person_id: int, change: Change) -> SelfServiceDraft | None:
    """A person's draft of a change, as it is now; nobody is kept from changing it."""
    return db.session.scalar(
        select(SelfServiceDraft)
        .filter_by(person_id=person_id, change=change)
        .execution_options(populate_existing=True)
    )


def locked_draft(person_id: int, change: Change) -> SelfServiceDraft | None:
    return db.session.scalar(
        select(SelfServiceDraft).filter_by(person_id=person_id, change=change).with_for_update()
    )


def new_draft(person_id: int, change: Change, now: datetime) -> None:
    """Make a draft where there is none, however many ask for it at once."""
    insert = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
    db.session.execute(
        insert(SelfServiceDraft)
        .values(ref=str(uuid4()), person_id=person_id, change=change, updated_at=now)
        .on_conflict_do_nothing(index_elements=["person_id", "change"])
    )


def locked_row(person_id: int, *, make: bool = False) -> SelfService | None:
    """A person's self-service, locked; ``make`` it where there is none."""
    if make:
        insert = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
        db.session.execute(
            insert(SelfService)
            .values(person_id=person_id, failed_attempts=0)
            .on_conflict_do_nothing(index_elements=["person_id"])
        )
    return db.session.scalar(select(SelfService).filter_by(person_id=person_id).with_for_update())
