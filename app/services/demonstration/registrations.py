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
from app.domain.security_questions import QUESTIONS
from app.domain.self_service import MOST_FAILURES
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Person, SecurityAnswer, SelfService
from app.services import hashing
from app.services.keys import vault

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

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The words of each question, and what this person answered."""
        return [(QUESTIONS[key], ANSWERS[key]) for key in self.questions]

    @property
    def blocked(self) -> bool:
        return self.failures >= MOST_FAILURES


REGISTRATIONS: tuple[PlannedRegistration, ...] = (
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
        for question in planned.questions:
            if question not in hashes:
                hashes[question] = hashing.hash_of(ANSWERS[question])


def register(uuids: set[str], now: datetime) -> int:
    """Register those of these people whose plan says so. Part of the caller's action."""
    wanted = [planned for planned in REGISTRATIONS if planned.uuid in uuids]
    for planned in wanted:
        person = db.session.scalars(select(Person).where(Person.uuid == planned.uuid)).one()
        row = SelfService(
            person_id=person.id,
            email=planned.email or person.email,
            registered_at=now,
            questions_changed_at=now,
            failed_attempts=planned.failures,
            attempted_at=now if planned.failures else None,
            blocked_at=now if planned.blocked else None,
        )
        row.answers = [_answer(question) for question in planned.questions]
        db.session.add(row)
        _record("self-service.registered", person, now, Outcome.DONE)
        if planned.blocked:
            _record("self-service.blocked", person, now, Outcome.REFUSED)
    return len(wanted)


def registration_of(uuid: str | None) -> PlannedRegistration | None:
    return next((planned for planned in REGISTRATIONS if planned.uuid == uuid), None)


def _answer(question: str) -> SecurityAnswer:
    ref = str(uuid4())
    hashed: str = current_app.extensions[HASHES][question]
    sealed = vault().seal(hashed.encode(), table="security_answer", column="answer_sealed", row=ref)
    return SecurityAnswer(ref=ref, question=question, answer_sealed=sealed)


def _record(event: str, person: Person, now: datetime, outcome: Outcome) -> None:
    audit.record(
        event,
        outcome=outcome,
        actor=None,
        subject_person_id=person.id,
        now=now,
        reason="demonstration",
    )
