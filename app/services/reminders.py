"""Reminding holders by mail that their certificates expire: in time, and once each.

Any number of these may run at once, on any number of servers: who writes the reminder's row writes
its message, in the same transaction.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, select
from sqlalchemy.dialects import postgresql, sqlite

from app import audit
from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of
from app.domain.reminders import Span, spans
from app.domain.renewal import renewal_state
from app.domain.statuses import Outcome, PersonStatus
from app.extensions import db
from app.models import Card, ExpiryReminder, Person
from app.services import outbox

AT_ONCE = 500  # cards that are looked up together


@dataclass
class Reminded:
    """What one round came to."""

    written: int = 0
    without_address: int = 0


def remind(now: datetime) -> Reminded:
    """Write every reminder that is due and not yet written. Each has a transaction of its own."""
    today, round_ = day_of(now), Reminded()
    for span in spans(today):
        after = 0
        while found := _due(span, after):
            after = found[-1]
            for card_id in found:
                _remind(card_id, span, round_, today, now)
    return round_


def _due(span: Span, after: int) -> list[int]:
    """The next cards of which the holder is to be reminded, by number."""
    written = exists().where(
        ExpiryReminder.card_id == Card.id,
        ExpiryReminder.expires_on == Card.expires_on,
        ExpiryReminder.days == span.days,
    )
    found = db.session.scalars(
        select(Card.id)
        .join(Person, Person.id == Card.person_id)
        .where(
            Card.expires_on.between(span.first, span.last),
            Card.status.in_((CardStatus.ISSUED, CardStatus.LOCKED)),
            Person.status == PersonStatus.OPEN,
            Card.id > after,
            ~written,
        )
        .order_by(Card.id)
        .limit(AT_ONCE)
    ).all()
    db.session.rollback()
    return list(found)


def _remind(card_id: int, span: Span, round_: Reminded, today: date, now: datetime) -> None:
    card = db.session.get_one(Card, card_id, populate_existing=True)
    expires_on, person = card.expires_on, card.person
    assert person is not None
    in_time = expires_on is not None and span.first <= expires_on <= span.last
    if not in_time or not person.email:  # it was renewed a moment ago, or nobody can be written to
        round_.without_address += in_time
        db.session.rollback()
        return
    if not _take(card_id, expires_on, span.days, now):
        db.session.rollback()  # somebody else is writing it
        return
    renewal = renewal_state(
        status=CardStatus.ISSUED,  # a locked one is unlocked first, and can then be renewed
        expires_on=expires_on,
        self_renewals_in_row=card.self_renewals_in_row,
        today=today,
    )
    outbox.queue(
        person.email,
        "certificates-expire",
        now=now,
        name=person.name,
        number=card.number,
        expires_on=expires_on,
        days_left=renewal.days_left,
        assisted=not renewal.may_self_renew,
        locked=card.status is CardStatus.LOCKED,
    )
    audit.record(
        "card.expiry-reminded",
        outcome=Outcome.DONE,
        actor=None,
        subject_person_id=person.id,
        subject_card_id=card.id,
        now=now,
        days=span.days,
        expires_on=expires_on,
    )
    db.session.commit()
    round_.written += 1


def _take(card_id: int, expires_on: date | None, days: int, now: datetime) -> bool:
    """Write the reminder's row. False if it is there: who wrote it writes the message, too."""
    on_sqlite = db.engine.dialect.name == "sqlite"
    insert = sqlite.insert(ExpiryReminder) if on_sqlite else postgresql.insert(ExpiryReminder)
    written = db.session.execute(
        insert.values(card_id=card_id, expires_on=expires_on, days=days, written_at=now)
        .on_conflict_do_nothing(index_elements=["card_id", "expires_on", "days"])
        .returning(ExpiryReminder.id)
    ).one_or_none()
    return written is not None
