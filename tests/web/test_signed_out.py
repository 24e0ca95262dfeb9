"""The page that says that a session is over, also in a tab whose session is just ending."""

from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session

from tests.parts.people import a_card, a_person
from tests.web.visits import signs_in


def test_it_watches_no_card_while_another_tab_is_ending_the_session(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    signs_in(client, a_card(a_person()))
    assert "<session-guard" in client.get("/profile").text
    page = client.get("/signed-out?reason=signed-out").text
    assert "You are signed out" in page
    assert "<session-guard" not in page
    assert "Ada Lovelace" not in page


def test_nobody_who_is_signed_in_is_told_that_they_are_not(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    signs_in(client, a_card(a_person()))
    answer = client.get("/signed-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
