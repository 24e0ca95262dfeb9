"""Pages that everybody may read, signed in or not."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session

from app.services import terms
from tests.parts.clock import START


def test_the_terms_in_force_can_be_read_without_signing_in(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    terms.publish(title="Old terms", text="Long ago.", actor=None, now=START)
    terms.publish(
        title="Terms of use",
        text="Read this.\n\n1. Your card\n\nKeep it <safe>.",
        actor=None,
        now=START,
    )
    db_session.remove()
    text = client.get("/terms").text
    assert "Terms of use" in text
    assert "Old terms" not in text
    assert "Version 2, in force since 23 November 2026" in text
    assert ">1. Your card</h2>" in text
    assert "<p>Keep it &lt;safe&gt;.</p>" in text


def test_without_terms_the_page_says_whom_to_ask(client: FlaskClient) -> None:
    answer = client.get("/terms")
    assert answer.status_code == 200
    assert "Ask your Registration Authority" in answer.text


@pytest.mark.parametrize(
    "question", ["lost, stolen or damaged", "forgot your passcode", "retiring"]
)
def test_the_help_page_answers_the_leaflet_s_questions_with_its_contact_table(
    client: FlaskClient, question: str
) -> None:
    text = client.get("/help").text
    assert question in text
    assert "Northmere Ambulance Service" in text
    assert "0113\u00a0496\u00a00730" in text
