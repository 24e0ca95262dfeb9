"""What expires, for agents: a list of cards, the first to expire first."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.permissions import principal, requires
from app.domain.roles import Permission
from app.services import expiring as expiring_cards

bp = Blueprint("reports", __name__, url_prefix="/reports")

USUAL = 30  # days


@bp.get("/expiring")
@requires(Permission.REPORT_ON_CARDS)
def expiring() -> ResponseReturnValue:
    within = request.args.get("within", type=int)
    if within not in expiring_cards.WITHIN:
        within = USUAL
    after = expiring_cards.Place.read(request.args.get("after"))
    found = expiring_cards.page(principal(), within=within, after=after, now=clock.now())
    return render_template(
        "reports/expiring.html",
        found=found,
        within=within,
        choices=expiring_cards.WITHIN,
        is_first=after is None,
    )
