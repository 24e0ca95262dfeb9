"""Who of the demonstration is registered for self-service, and what they answered.

The answers are no secrets: the card desk shows them, as it shows the passcodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from flask import current_app
from sqlalchemy import select

from app import audit
from app.domain.security_questions import QUESTIONS, fold
from app.domain.self_service import MOST_FAILURES, Change
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Person, SelfService, SelfServiceDraft
from app.services import hashing, security_answers

HASHES = "demonstration-answers"  # of this application: one hash costs 25 ms

# What people of the demonstration answer, whichever question they choose
ANSWERS: Mapping[str, str] = {
    "first-teacher": "Mrs Bramblewick",
    "childhood-friend": "Zoë",
    "childhood-toy": "Captain Buttons",
    "childhood-nickname": "Pipsqueak",
    "childhood-hero": "Amelia Earhart",
    "childhood-ambition": "Lighthouse keeper",
    "childhood-book": "The Tiger Who Came to Tea",
    "childhood-song": "Golden Slumbers",
    "childhood-game": "Snakes and ladders",
    "childhood-dislike": "Beetroot",
    "hiding-place": "Under the stairs",
    "lost-thing": "A red penknife",
    "neighbours": "Fotheringay-Smythe",
    "best-holiday": "Robin Hood’s Bay",
    "first-film": "The Lemonade Express",
    "first-concert": "The Spotted Owls",
    "first-record": "Tea for Thirteen",
    "first-dish": "Cheese on toast",
    "first-vehicle": "Blue Raleigh",
    "first-workplace": "Saltmarket Row",
}


@dataclass(frozen=True, kw_only=True)
class PlannedRegistration:
    """One person's. ``email`` is where codes go, where that is not the contact address."""

    uuid: str
    questions: tuple[str, ...] = ("first-teacher", "childhood-toy", "best-holiday", "first-dish")
    email: str | None = None
    failures: int = 0
    half_done: bool = False  # questions and answers are kept in a draft, and nothing else

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The words of each question, and what this person answered."""
        return [(QUESTIONS[key], ANSWERS[key]) for key in self.questions]

    @property
    def blocked(self) -> bool:
        return self.failures >= MOST_FAILURES


REGISTRATIONS: tuple[PlannedRegistration, ...] = (
    PlannedRegistration(uuid="500200300108", half_done=True),  # Henrik
    PlannedRegistration(uuid="500200300111"),  # Keira, whose card has expired
    PlannedRegistration(uuid="500200300114"),  # Nadia, whose card is locked
    PlannedRegistration(uuid="500200300115", failures=MOST_FAILURES),  # Owen
    PlannedRegistration(uuid="500200300116", email="priya.venkataraman@nhs.net"),
)


def prepare_hashes() -> None:
    """Make the hashes of all answers that are seeded, once for an application.

    Raises:
        TransactionOpen: nothing slow is done within a transaction.
    """
    hashes = current_app.extensions.setdefault(HASHES, {})
    for planned in REGISTRATIONS:
        missing = [question for question in planned.questions if question not in hashes]
        for question in missing:
            hashes[question] = hashing.hash_of(fold(ANSWERS[question]))


def register(uuids: set[str], now: datetime) -> None:
    """Register those of these people whose plan says so. Part of the caller's action."""
    for planned in REGISTRATIONS:
        if planned.uuid not in uuids:
            continue
        person = db.session.scalars(select(Person).where(Person.uuid == planned.uuid)).one()
        if planned.half_done:
            _begin(planned, person, now)
        else:
            _register(planned, person, now)


def _begin(planned: PlannedRegistration, person: Person, now: datetime) -> None:
    draft = SelfServiceDraft(
        ref=str(uuid4()), person_id=person.id, change=Change.REGISTER, updated_at=now
    )
    security_answers.keep_in_draft(draft, _hashes(planned))
    db.session.add(draft)


def _register(planned: PlannedRegistration, person: Person, now: datetime) -> None:
    row = SelfService(
        person_id=person.id,
        email=planned.email or person.email,
        registered_at=now,
        questions_changed_at=now,
        failed_attempts=planned.failures,
        attempted_at=now if planned.failures else None,
        blocked_at=now if planned.blocked else None,
    )
    db.session.add(row)
    security_answers.keep(row, _hashes(planned))
    _record("self-service.registered", person, now, Outcome.DONE)
    if planned.blocked:
        _record("self-service.blocked", person, now, Outcome.REFUSED)


def _hashes(planned: PlannedRegistration) -> dict[str, str]:
    made: dict[str, str] = current_app.extensions[HASHES]
    return {question: made[question] for question in planned.questions}


def registration_of(uuid: str | None) -> PlannedRegistration | None:
    return next((planned for planned in REGISTRATIONS if planned.uuid == uuid), None)


def _record(event: str, person: Person, now: datetime, outcome: Outcome) -> None:
    audit.record(
        event,
        outcome=outcome,
        actor=None,
        subject_person_id=person.id,
        now=now,
        reason="demonstration",
    )
