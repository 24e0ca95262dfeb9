"""Somebody registered for self-service, as rows: nobody has typed an answer here."""

from typing import Any
from uuid import uuid4

from app.domain.security_questions import QUESTIONS
from app.extensions import db
from app.models import Person, SecurityAnswer, SelfService
from tests.parts.clock import START


def registered(person: Person, **columns: Any) -> SelfService:
    """Register ``person``, with four questions; ``columns`` are what the row has otherwise."""
    row = SelfService(
        **{
            "person_id": person.id,
            "email": "ada@ward.nhs.uk",
            "registered_at": START,
            "questions_changed_at": START,
            **columns,
        }
    )
    row.answers = [
        SecurityAnswer(ref=str(uuid4()), question=question, answer_sealed=b"a sealed hash")
        for question in sorted(QUESTIONS)[:4]
    ]
    db.session.add(row)
    db.session.commit()
    return row


def blocked(person: Person, **columns: Any) -> SelfService:
    return registered(person, **{"failed_attempts": 3, "blocked_at": START, **columns})
