"""Tickets and results of card operations, of every kind. What is shown is `outcomes`' to say."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge
from app.blueprints.bodies import posted
from app.blueprints.browsers import browser_digest
from app.blueprints.outcomes import Shown, showing_of
from app.blueprints.permissions import open_to_all, principal, requires, signed_in
from app.card_operations import journal
from app.card_operations.answers import Finished, NextTicket, Waiting
from app.card_operations.office import current_office
from app.domain.errors import RuleBroken
from app.domain.roles import Permission
from app.services import presence

bp = Blueprint("card_operations", __name__)


@bp.post("/card-operations/<operation>/ticket")
@open_to_all
def ticket(operation: str) -> ResponseReturnValue:
    """Go on with an operation of this browser that stands still."""
    body = posted()
    answer = journal.ticket(
        operation,
        card=body["card"] if isinstance(body.get("card"), str) else None,
        actor=signed_in(),
        **at_the_bridge(body),
    )
    return jsonify(answer.for_page())


@bp.post("/card-operations/<operation>/result")
@open_to_all
def result(operation: str) -> ResponseReturnValue:
    """Take in what the bridge answered, and say what follows."""
    try:
        answer = journal.result(
            operation,
            posted(),
            browser=browser_digest(),
            actor=signed_in(),
            office=current_office(),
            now=clock.now(),
        )
    except RuleBroken as error:
        row = journal.known(operation, browser=browser_digest())
        showing = showing_of(row) if row else None
        if showing is None or showing.refusal is None:
            raise
        return showing.refusal(operation, error)
    if isinstance(answer, NextTicket):
        return jsonify(answer.for_page())
    return show(answer)


@bp.get("/card-operations/<operation>")
@open_to_all
def stands(operation: str) -> ResponseReturnValue:
    """Show where an operation of this browser stands, with a way to go on."""
    row = journal.find(operation, browser=browser_digest())
    showing = showing_of(row)
    if showing is None:
        return jsonify(kind=row.kind, state=row.state.value, step=row.step)
    return showing.stands(row)


@bp.post("/presence")
@requires(Permission.OWN_PROFILE)
def prove_presence() -> ResponseReturnValue:
    """Give the ticket with which the card of this session says that it is still there.

    Without one, another page is at it, nothing is due, or the page has no bridge and only wants to
    know. ``lasts`` is how many seconds are left of the last proof.
    """
    body, someone, now = posted(), principal(), clock.now()
    left = (someone.presence_ends_at - now).total_seconds()
    stands = {
        "lasts": max(0, int(left)),
        "seat": someone.seat,
        "bridge": someone.bridge_instance,
    }
    if not isinstance(body.get("sid"), str):
        return jsonify(stands)
    ticket = presence.prove(
        someone,
        sid=body["sid"],
        seat=body["seat"] if isinstance(body.get("seat"), str) else None,
        browser=browser_digest(),
        office=current_office(),
        now=now,
    )
    return jsonify(stands | (ticket.for_page() if ticket else {}))


def show(answer: Shown) -> ResponseReturnValue:
    row = journal.find(answer.operation, browser=browser_digest())
    showing = showing_of(row)
    if showing is not None:
        return showing.answer(answer, row)
    if isinstance(answer, Finished):
        return jsonify(done=True)
    if isinstance(answer, Waiting):
        return jsonify(waiting=answer.reason, **answer.facts)
    return jsonify(error=answer.code, **answer.facts)
