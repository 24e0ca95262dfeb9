"""Somebody at the pages of their own self-service, without a card in a reader."""

import re
from html import unescape

from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.domain.self_service import Change
from app.extensions import db
from app.models import (
    OutboxMessage,
    SelfService,
    SelfServiceDraft,
    Session,
)
from tests.parts.clock import FrozenClock
from tests.parts.codes import mailed_code
from tests.parts.people import a_card, a_person
from tests.web.visits import sends, signs_in

ROOT = "/profile/self-service"
CONTACT = "ada@northmere.nhs.uk"
ANSWERS = {
    "question_1": "first-teacher",
    "answer_1": "Mrs Patel",
    "question_2": "childhood-toy",
    "answer_2": "Mr Snuffles",
    "question_3": "first-dish",
    "answer_3": "Jollof rice",
    "question_4": "best-holiday",
    "answer_4": "Llandudno",
}


class Visit:
    """Somebody signed in, at the pages of their self-service."""

    def __init__(self, client: FlaskClient, clock: FrozenClock) -> None:
        self.client = client
        self.clock = clock
        person = a_person(given_name="Ada", email=CONTACT)
        self.person_id = person.id
        self.card = a_card(person)
        self.card_id = self.card.id
        signs_in(client, self.card)

    def sign_in_again(self) -> None:
        """The session has ended, and another one begins."""
        db.session.execute(update(Session).values(ended_at=self.clock()))
        db.session.commit()
        signs_in(self.client, db.session.merge(self.card))

    def wait(self, **span: float) -> None:
        """Let time pass, the card in the reader and the person at the page."""
        now = self.clock.advance(**span)
        db.session.execute(update(Session).values(last_presence_at=now, last_seen_at=now))
        db.session.commit()
        db.session.remove()

    def prove(self, change: Change = Change.REGISTER) -> None:
        """Begin, and have the card check the passcode in this session."""
        session = db.session.scalars(
            select(Session).where(Session.card_id == self.card_id, Session.ended_at.is_(None))
        ).one()
        draft = db.session.scalars(
            select(SelfServiceDraft).filter_by(person_id=self.person_id, change=change)
        ).one_or_none() or SelfServiceDraft(
            ref=f"draft-{change}", person_id=self.person_id, change=change
        )
        draft.proven_session_id = session.id
        draft.proven_at = draft.updated_at = self.clock()
        db.session.add(draft)
        db.session.commit()
        db.session.remove()

    def get(self, path: str = "", **headers: str) -> TestResponse:
        return self.client.get(ROOT + path, headers=headers)

    def post(self, path: str, **fields: str) -> TestResponse:
        return sends(self.client, ROOT + path, **fields)

    def to_email(self) -> None:
        self.prove()
        assert leads(self.post("/register/questions", **ANSWERS)) == "/register/email"

    def to_code(self) -> str:
        """Come to the last step; return the code that was mailed."""
        self.to_email()
        assert leads(self.post("/register/email", email=CONTACT)) == "/register/code"
        return mailed_code(CONTACT)

    def is_registered(self) -> bool:
        row = db.session.scalar(select(SelfService).filter_by(person_id=self.person_id))
        found = row is not None and row.registered_at is not None
        db.session.remove()
        return found


def leads(answer: TestResponse) -> str:
    """Where an answer leads, below Self Service."""
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].removeprefix(ROOT)


def words(answer: TestResponse) -> str:
    """What is said on a page, as one line."""
    main = answer.text.split("<main", 1)[-1].split("</main>", 1)[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def fields_in_error(answer: TestResponse) -> set[str]:
    """The fields to which the summary of errors leads; each has its words beside it, too."""
    summary = answer.text.split("nhsuk-error-summary__list", 1)[1].split("</ul>", 1)[0]
    fields = set(re.findall(r'href="#([^"]+)"', summary))
    assert all(f'id="{field}-error"' in answer.text for field in fields)
    assert "<title>Error: " in re.sub(r"\s*(<title>)\s*", r"\1", answer.text)
    return fields


def delivered(ada: Visit) -> None:
    """The mail server has just taken what waited."""
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.delivered_at.is_(None))
        .values(delivered_at=ada.clock())
    )
    db.session.commit()
    db.session.remove()
