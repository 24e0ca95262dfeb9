"""Reminders that certificates expire: in time, once each, to those who can do something."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import PersonStatus
from app.extensions import db
from app.models import AuditEvent, ExpiryReminder, OutboxMessage
from app.services import reminders
from tests.parts.at_once import at_once
from tests.parts.people import a_card, a_person

pytestmark = pytest.mark.usefixtures("db_session")

EMAIL = "ada@northmere.nhs.uk"


@pytest.fixture
def card(clock):
    """Ada's card, whose certificates are good for 90 more days."""
    person = a_person(email=EMAIL)
    return a_card(person, expires_on=clock().date() + timedelta(days=90))


def mails() -> list[OutboxMessage]:
    return list(db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_each_reminder_is_sent_once_on_its_day(card, clock):
    sent = {}
    for left in range(92, -3, -1):
        now = clock() + timedelta(days=90 - left)
        before = len(mails())
        reminders.remind(now)
        reminders.remind(now)
        if len(mails()) > before:
            sent[left] = len(mails()) - before
    assert sent == {90: 1, 30: 1, 7: 1, 1: 1}


def test_what_was_missed_is_sent_later_but_only_the_nearest(card, clock):
    assert reminders.remind(clock() + timedelta(days=85)).written == 1
    [mail] = mails()
    assert mail.subject == "The certificates on your Smartcard expire in 5 days"
    assert db.session.scalars(select(ExpiryReminder.days)).all() == [7]


def test_renewed_certificates_are_reminded_of_anew(card, clock):
    reminders.remind(clock())
    card.expires_on += timedelta(days=730)
    db.session.commit()
    assert reminders.remind(clock()).written == 0
    assert reminders.remind(clock() + timedelta(days=730)).written == 1


@pytest.mark.parametrize("status", [CardStatus.CANCELLED, CardStatus.SUSPENDED])
def test_a_card_that_nobody_can_use_is_not_reminded_of(card, clock, status):
    card.status = status
    db.session.commit()
    assert reminders.remind(clock()).written == 0


def test_a_person_who_has_left_for_good_is_not_reminded(card, clock):
    card.person.status = PersonStatus.CLOSED
    db.session.commit()
    assert reminders.remind(clock()).written == 0


def test_a_person_without_an_address_is_counted_and_reminded_once_there_is_one(card, clock):
    card.person.email = None
    db.session.commit()
    assert reminders.remind(clock()).without_address == 1
    assert mails() == []
    card.person.email = EMAIL
    db.session.commit()
    assert reminders.remind(clock()).written == 1


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, "renew them yourself"),
        ({"self_renewals_in_row": 2}, "Every third renewal needs the registration authority"),
        ({"status": CardStatus.LOCKED}, "Your card is locked at the moment"),
    ],
)
def test_the_words_say_who_can_renew(card, clock, columns, words):
    for name, value in columns.items():
        setattr(card, name, value)
    db.session.commit()
    reminders.remind(clock())
    [mail] = mails()
    assert mail.to == EMAIL
    assert words in " ".join(mail.body_text.split())


def test_a_reminder_is_in_the_holder_s_events(card, clock):
    reminders.remind(clock())
    [event] = db.session.scalars(select(AuditEvent)).all()
    assert (event.event, event.subject_person_id) == ("card.expiry-reminded", card.person_id)
    assert event.facts["days"] == 90


def test_of_many_that_remind_at_once_one_writes_each_reminder(app, clock):
    for _ in range(5):
        a_card(a_person(email=EMAIL), expires_on=clock().date() + timedelta(days=7))
    now = clock()
    written = at_once(app, 4, lambda: reminders.remind(now).written)
    db.session.rollback()
    assert sum(written) == 5
    assert len(mails()) == 5
