"""The dashboard: how one's own card is, what to do next, and the ways on from here."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.permissions import may, principal, requires
from app.domain.days import day_of
from app.domain.roles import Permission
from app.domain.self_service import Mode
from app.services import lifting, mail_status, profile, requests, self_service_state, unfinished

bp = Blueprint("dashboard", __name__)


@bp.get("/")
@requires(Permission.OWN_PROFILE)
def show() -> ResponseReturnValue:
    now = clock.now()
    card = profile.own_card(principal().card_id, today=day_of(now))
    awaiting = None
    if may(Permission.DECIDE_REQUEST):
        awaiting = requests.awaiting_count(principal())
    own_self_service = None
    if may(Permission.OWN_SELF_SERVICE) and self_service_state.mode() is not Mode.OFF:
        own_self_service = self_service_state.state_of(principal().person_id)
    mail = mail_status.trouble(now) if may(Permission.READ_AUDIT) else None
    return render_template(
        "dashboard/page.html",
        card=card,
        awaiting=awaiting,
        mail=mail,
        self_service=own_self_service,
        own_unfinished=unfinished.of_person(principal().person_id, now=now),
        unfinished=unfinished.in_reach(principal(), now=now),
        blocked=lifting.blocked_in_reach(principal(), now=now),
    )
