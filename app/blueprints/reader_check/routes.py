"""Reader check: the page looks for itself; of a card that it read, the server says what it is."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.permissions import open_to_all
from app.blueprints.reader_check.policies import policies
from app.card_operations.office import current_office
from app.domain.days import day_of
from app.services import presented_cards

bp = Blueprint("reader_check", __name__, url_prefix="/reader-check")


@bp.get("")
@open_to_all
def show() -> ResponseReturnValue:
    return render_template("reader_check/page.html", policies=policies(current_office().origin))


@bp.post("/card")
@open_to_all
def card() -> ResponseReturnValue:
    """Say of each card what can be said of it before a passcode, and to anybody."""
    body = request.get_json(silent=True)
    found = body.get("cards") if isinstance(body, dict) else None
    now, office = clock.now(), current_office()
    cards, _ = presented_cards.from_page(found, None, issuer=office.issuer, now=now)
    return render_template(
        "reader_check/_cards.html",
        cards=cards,
        today=day_of(now),
        virtual_allowed=office.virtual_cards_allowed,
    )
