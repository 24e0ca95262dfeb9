"""Addresses of people's photos: a photo is fetched for a page that has left its event, no other.

Its address carries a mark of ours, which is good in that session only and for a short time.
"""

from flask import Flask, current_app, url_for
from itsdangerous import BadData, URLSafeTimedSerializer

from app.blueprints.permissions import principal
from app.domain.errors import NotFound

GOOD_FOR = 300  # seconds: the page is on its way to the screen


def _marks() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="photo")


def photo_address(uuid: str) -> str:
    """Return where the photo of a person is whom this page shows."""
    mark = _marks().dumps([principal().session_id, uuid])
    return url_for("people.photo", uuid=uuid, mark=mark)


def demand_mark(uuid: str, mark: str) -> None:
    """Let a photo be fetched only by the page that was given its address.

    Raises:
        NotFound: the mark is too old, or of another session or person.
    """
    try:
        marked = _marks().loads(mark, max_age=GOOD_FOR)
    except BadData:
        marked = None
    if marked != [principal().session_id, uuid]:
        raise NotFound("photo")


def init_app(app: Flask) -> None:
    app.jinja_env.globals["photo_address"] = photo_address
