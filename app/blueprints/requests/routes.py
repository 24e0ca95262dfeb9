"""Requests: what waits for the agents of an organisation."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.addresses import LARGEST, number_asked
from app.blueprints.fragments import page_or_fragment
from app.blueprints.permissions import principal, requires
from app.domain.roles import Permission
from app.services import requests

bp = Blueprint("requests", __name__, url_prefix="/requests")


@bp.get("")
@requires(Permission.DECIDE_REQUEST)
def awaiting() -> ResponseReturnValue:
    after = number_asked("after", LARGEST)
    return page_or_fragment(
        "requests/awaiting.html",
        "requests/_list.html",
        requests=requests.awaiting(principal(), after=after),
        after=after,
    )
