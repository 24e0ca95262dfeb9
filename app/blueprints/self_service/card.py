"""The passcode step: what the card is asked, and what is shown of its answer."""

from typing import Any

from flask import jsonify, render_template, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge, guid_meant
from app.blueprints.bodies import posted
from app.blueprints.fragments import go_to
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import principal, requires
from app.blueprints.self_service.blueprint import at_step, bp, change_named, lead, wizard_of
from app.blueprints.self_service.wizard import Wizard
from app.card_operations import register
from app.card_operations.answers import CardAnswered, Finished
from app.domain.roles import Permission
from app.domain.self_service import WizardStep
from app.models import CardOperation
from app.services import self_service


@bp.get("/<change>/passcode")
@requires(Permission.OWN_SELF_SERVICE)
@at_step(WizardStep.PASSCODE)
def passcode(wizard: Wizard) -> ResponseReturnValue:
    return render_template(
        "self_service/passcode.html",
        wizard=wizard,
        step=WizardStep.PASSCODE,
        hint=register.hint(principal()),
    )


@bp.post("/<change>/start")
@requires(Permission.OWN_SELF_SERVICE)
def start(change: str) -> ResponseReturnValue:
    body, wanted = posted(), change_named(change)
    self_service.begin(principal(), wanted, clock.now())
    ticket = register.start(principal(), wanted, guid=guid_meant(body), **at_the_bridge(body))
    return jsonify(ticket.for_page())


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    """Lead to the next step, or show what the card said in the place of the form."""
    wizard = wizard_of(row.facts["change"])
    if isinstance(answer, Finished) or not wizard.steps:  # else it is not to be made any more
        return lead(wizard)
    said: dict[str, Any] = {}
    if isinstance(answer, CardAnswered):
        said = {"code": answer.code, "facts": answer.facts}
    return render_template(
        "self_service/_passcode.html", wizard=wizard, step=WizardStep.PASSCODE, **said
    )


def show_standing(row: CardOperation) -> ResponseReturnValue:
    """After a reload: the page of the step, which begins anew or has been taken."""
    return go_to(url_for("self_service.passcode", change=row.facts["change"]))


shows(register.KIND, Showing(answer=show_answer, stands=show_standing))
