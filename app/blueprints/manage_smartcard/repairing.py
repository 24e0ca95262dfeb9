"""Repairing a card: an identity check, signed by the agent's own card, comes before it."""

from typing import Any

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app.blueprints.at_the_bridge import at_the_bridge, guid_meant, guid_shown, reading
from app.blueprints.bodies import posted
from app.blueprints.manage_smartcard.about import about
from app.blueprints.manage_smartcard.approving import ask_identity
from app.blueprints.manage_smartcard.blueprint import bp
from app.blueprints.manage_smartcard.forms import IdentityForm, from_step
from app.blueprints.permissions import principal, requires
from app.card_operations import approve, journal, repair
from app.domain import identity_check
from app.domain.approval import Act, ActKind
from app.domain.card_services import CardService
from app.domain.roles import Permission
from app.models import Card
from app.services import presented_cards

ADDRESS = "/people/<uuid>/cards/<int:card_id>/repair"
APPROVAL_LENGTH = 36


@bp.get(ADDRESS, endpoint="repair")
@requires(Permission.REPAIR_CARD)
def repair_page(uuid: str, card_id: int) -> ResponseReturnValue:
    """Ask for the identity check first; then for the card in the second reader."""
    whose = about(uuid, card_id, CardService.REPAIR)
    approval = request.args.get("approval", "")[:APPROVAL_LENGTH]
    if not approval and not goes_on(whose.card):
        form = IdentityForm(formdata=None)
        return render_template(
            "manage_smartcard/identity.html", form=form, act="repair", **whose.shown()
        )
    return render_template(
        "manage_smartcard/service.html",
        service=CardService.REPAIR,
        approval=approval,
        **whose.shown(),
    )


@bp.post(f"{ADDRESS}/approve")
@requires(Permission.REPAIR_CARD)
def approve_repair(uuid: str, card_id: int) -> ResponseReturnValue:
    whose = about(uuid, card_id, CardService.REPAIR)
    body = posted()
    form = from_step(IdentityForm, body)
    if not form.validate():
        return ask_identity(form, act="repair", **whose.shown())
    ticket = approve.start(
        principal(),
        Act(
            act=ActKind.REPAIR,
            person_id=whose.card.person_id,
            card_id=whose.card.id,
            reason="identity-checked",
            note=identity_check.evidence(form.seen()),
        ),
        guid=guid_meant(body),
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


def goes_on(card: Card) -> bool:
    """Whether this agent has approved the repair that stands still: it needs no other approval."""
    standing = journal.unfinished(card, repair.KIND)
    return standing is not None and standing.facts.get("approved_by") == principal().person_id


def told(card: Card, body: dict[str, Any]) -> dict[str, Any]:
    """What a repair is told besides: the approval, and what the page has read from the card."""
    approval = body.get("approval")
    known = goes_on(card) or not isinstance(approval, str)
    return {
        "approval": None if known else str(approval)[:APPROVAL_LENGTH],
        "guid": guid_shown(body),
        "certificates": presented_cards.written(reading(body).get("certificates")),
    }
