"""The services of a holder's own card: what it offers, and changing its passcode."""

from flask import Blueprint, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge, guid_meant
from app.blueprints.bodies import posted
from app.blueprints.browsers import browser_digest
from app.blueprints.fragments import go_to
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import principal, requires
from app.card_operations import change_passcode, which_passcode
from app.card_operations.answers import CardAnswered, Finished, Waiting
from app.domain.card_services import CardService, demand
from app.domain.errors import Conflict
from app.domain.roles import Permission
from app.models import CardOperation
from app.services.own_card import OwnCard, own_card

bp = Blueprint("smartcards", __name__, url_prefix="/profile/cards/<int:card_id>")


@bp.get("/service")
@requires(Permission.OWN_PROFILE)
def service(card_id: int) -> ResponseReturnValue:
    card = own_card(principal(), card_id, now=clock.now())
    return render_template("smartcards/service.html", card=card)


@bp.get("/passcode")
@requires(Permission.CHANGE_OWN_PASSCODE)
def passcode(card_id: int) -> ResponseReturnValue:
    card = _own_card_in_use(card_id)
    stopped = change_passcode.unsettled(principal(), browser=browser_digest(), now=clock.now())
    state = "lost" if stopped else "form"
    return render_template("smartcards/passcode.html", card=card, state=state, operation=stopped)


@bp.post("/passcode/start")
@requires(Permission.CHANGE_OWN_PASSCODE)
def start_passcode(card_id: int) -> ResponseReturnValue:
    card = _own_card_in_use(card_id)
    body = posted()
    try:
        ticket = change_passcode.start(
            principal(),
            guid=guid_meant(body),
            **at_the_bridge(body),
        )
    except change_passcode.ChangeUnsettled as error:
        stopped = error.facts["operation"]
        fragment = render_template(
            "smartcards/_passcode.html", card=card, state="lost", operation=stopped
        )
        return fragment, 409
    return jsonify(ticket.for_page())


def _own_card_in_use(card_id: int) -> OwnCard:
    """The card that is signed in, if its passcode can be changed now."""
    card = own_card(principal(), card_id, now=clock.now())
    if not card.in_use:
        raise Conflict("another-card")
    demand(card.offer(CardService.CHANGE_PASSCODE))
    return card


def show_answer(answer: Shown, _row: CardOperation) -> ResponseReturnValue:
    """Show what came of a change of passcode, in the place of its form."""
    card = own_card(principal(), principal().card_id, now=clock.now())
    fragment = "smartcards/_passcode.html"
    if isinstance(answer, Finished):
        return render_template(fragment, card=card, state="done")
    if isinstance(answer, Waiting):
        return render_template(fragment, card=card, state="lost", operation=answer.operation)
    assert isinstance(answer, CardAnswered)
    state = "lost" if answer.step == which_passcode.CONFIRM else "form"
    return render_template(
        fragment,
        card=card,
        state=state,
        operation=answer.operation,
        code=answer.code,
        facts=answer.facts,
    )


def show_standing(row: CardOperation) -> ResponseReturnValue:
    """After a reload: the page of the card's passcode, which begins anew or asks for the proof."""
    return go_to(url_for("smartcards.passcode", card_id=row.card_id))


shows(change_passcode.KIND, Showing(answer=show_answer, stands=show_standing))
