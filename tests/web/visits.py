"""Somebody signed in, as a test of pages needs them, without a card in a reader."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Card
from tests.parts.people import a_session


def signs_in(client: FlaskClient, card: Card, **what: Any) -> None:
    """Give the browser a session with ``card``, as the end of a sign-in does."""
    token = a_session(card, **what)
    db.session.remove()
    with client.session_transaction() as session:
        session["token"] = token


def page_token(client: FlaskClient) -> str:
    """Return the token that this browser's pages send with what changes something."""
    found = re.search(r"X-CSRFToken&#34;: &#34;([^&]+)&#34;", client.get("/help").text)
    assert found
    return found[1]


def what_is_told(page: str) -> str:
    """A page without its token, in which stands the second at which it was made."""
    return re.sub(r'hx-headers:inherited="[^"]*"', "", page)


def sends(
    client: FlaskClient, address: str, headers: dict[str, str] | None = None, **fields: str
) -> TestResponse:
    """Send a form, with the token of its page."""
    return client.post(
        address, data={**fields, "csrf_token": page_token(client)}, headers=headers or {}
    )
