"""Renewing the certificates of the holder's own card, and going on where it was cut off."""

from typing import Any

from flask import Blueprint, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge, guid_meant
from app.blueprints.bodies import posted
from app.blueprints.fragments import go_to
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import principal, requires
from app.card_operations import renew
from app.card_operations.answers import CardAnswered, Finished
from app.domain.errors import Conflict
from app.domain.roles import Permission
from app.models import CardOperation
from app.services import renewals

bp = Blueprint("renewal", __name__, url_prefix="/profile/cards/<int:card_id>")


@bp.get("/renew")
@requires(Permission.RENEW_OWN_CARD)
def show(card_id: int) -> ResponseReturnValue:
    """What will happen, or the reason why not; where it was cut off, what is true now."""
    renewal = renewals.own_renewal(principal(), card_id, now=clock.now())
    return render_template("smartcards/renew.html", renewal=renewal)


@bp.post("/renew/start")
@requires(Permission.RENEW_OWN_CARD)
def start(card_id: int) -> ResponseReturnValue:
    if card_id != principal().card_id:
        raise Conflict("another-card")
    body = posted()
    ticket = renew.start_own(
        principal(),
        guid=guid_meant(body),
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    """Show what came of it in the place of its form: here, or on the sign-in page."""
    assert row.card is not None
    said: dict[str, Any] = {}
    if isinstance(answer, CardAnswered):
        said = {"code": answer.code, "facts": answer.facts}
    if row.session_id is None:
        return render_template(
            "auth/_continue.html",
            guid=row.card.guid,
            seat=row.seat,
            rule=row.card.passcode_rule,
            done=isinstance(answer, Finished),
            expires_on=row.card.expires_on,
            **said,
        )
    if isinstance(answer, Finished):
        return render_template("smartcards/_renew.html", done=row.card)
    renewal = renewals.own_renewal(principal(), row.card.id, now=clock.now())
    return render_template("smartcards/_renew.html", renewal=renewal, **said)


def show_standing(row: CardOperation) -> ResponseReturnValue:
    """After a reload: the page of the renewal, which says where it stands."""
    if row.session_id is None:
        return go_to(url_for("auth.sign_in"))
    return go_to(url_for("renewal.show", card_id=row.card_id))


shows(renew.KIND, Showing(answer=show_answer, stands=show_standing))
