"""Taking a card out of use: for good, signed by the agent's own card, or for a time."""

from collections.abc import Callable
from typing import Any

from flask import (
    Response,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import at_the_bridge, guid_meant
from app.blueprints.bodies import posted
from app.blueprints.forms import tell
from app.blueprints.manage_smartcard.about import About, about
from app.blueprints.manage_smartcard.blueprint import bp
from app.blueprints.manage_smartcard.forms import (
    NOTE_PROBLEMS,
    REASONS,
    CancelForm,
    ReasonForm,
    ResumeForm,
    SuspendForm,
    from_step,
)
from app.blueprints.permissions import principal, requires
from app.domain.cancelling import CancelReason
from app.domain.card_services import CardService
from app.domain.errors import Invalid
from app.domain.roles import Permission
from app.services import cards

ADDRESS = "/people/<uuid>/cards/<int:card_id>"
WORDS = {reason.value: words for reason, words in REASONS.items()}


@bp.get(f"{ADDRESS}/cancel")
@requires(Permission.CANCEL_CARD)
def cancel(uuid: str, card_id: int) -> ResponseReturnValue:
    whose = about(uuid, card_id, CardService.CANCEL)
    return render_template(
        "manage_smartcard/cancel.html", form=ReasonForm(formdata=None), **whose.shown()
    )


@bp.get(f"{ADDRESS}/cancel/confirm")
@requires(Permission.CANCEL_CARD)
def confirm_cancel(uuid: str, card_id: int) -> ResponseReturnValue:
    whose = about(uuid, card_id, CardService.CANCEL)
    reason = ReasonForm(formdata=request.args, meta={"csrf": False})
    if not reason.validate():
        page = render_template("manage_smartcard/cancel.html", form=reason, **whose.shown())
        return page, 422
    wanted = CancelReason(reason.reason.data).wants_replacement
    form = CancelForm(formdata=None, reason=reason.reason.data, replacement=wanted)
    return render_template(
        "manage_smartcard/confirm_cancel.html", form=form, reasons=WORDS, **whose.shown()
    )


@bp.post(f"{ADDRESS}/cancel/start")
@requires(Permission.CANCEL_CARD)
def start_cancel(uuid: str, card_id: int) -> ResponseReturnValue:
    """Ask the agent's own card to sign; the other card is cancelled with the signature."""
    whose = about(uuid, card_id, CardService.CANCEL)
    body = posted()
    form = from_step(CancelForm, body)
    if not form.validate():
        return ask_again(whose, form)
    try:
        ticket = cards.start_cancel(
            principal(),
            card_id,
            reason=CancelReason(form.reason.data),
            note=form.note.data or "",
            replacement=bool(form.replacement.data),
            guid=guid_meant(body),
            **at_the_bridge(body),
        )
    except Invalid as refusal:
        tell(form, refusal, NOTE_PROBLEMS)
        return ask_again(whose, form)
    return jsonify(ticket.for_page())


def ask_again(whose: About, form: CancelForm, status: int = 422, **said: Any) -> Response:
    """Show the last question again, with what was wrong."""
    page = render_template(
        "manage_smartcard/_confirm_cancel.html", form=form, reasons=WORDS, **whose.shown(), **said
    )
    return make_response(page, status)


@bp.get(f"{ADDRESS}/suspend")
@requires(Permission.SUSPEND_CARD)
def suspend(uuid: str, card_id: int) -> ResponseReturnValue:
    whose = about(uuid, card_id, CardService.SUSPEND)
    return hold(whose, CardService.SUSPEND, SuspendForm(formdata=None))


@bp.post(f"{ADDRESS}/suspend")
@requires(Permission.SUSPEND_CARD)
def do_suspend(uuid: str, card_id: int) -> ResponseReturnValue:
    whose = about(uuid, card_id, CardService.SUSPEND)
    return _carried_out(whose, CardService.SUSPEND, SuspendForm(), cards.suspend, "card-suspended")


@bp.get(f"{ADDRESS}/resume")
@requires(Permission.SUSPEND_CARD)
def resume(uuid: str, card_id: int) -> ResponseReturnValue:
    whose = about(uuid, card_id, CardService.RESUME)
    return hold(whose, CardService.RESUME, ResumeForm(formdata=None))


@bp.post(f"{ADDRESS}/resume")
@requires(Permission.SUSPEND_CARD)
def do_resume(uuid: str, card_id: int) -> ResponseReturnValue:
    whose = about(uuid, card_id, CardService.RESUME)
    return _carried_out(whose, CardService.RESUME, ResumeForm(), cards.resume, "card-resumed")


def hold(whose: About, service: CardService, form: Any, status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "manage_smartcard/hold.html", service=service, form=form, **whose.shown()
    )
    return page, status


def _carried_out(
    whose: About, service: CardService, form: Any, decide: Callable[..., None], done: str
) -> ResponseReturnValue:
    if not form.validate():
        return hold(whose, service, form, 422)
    try:
        decide(principal(), whose.card.id, note=form.note.data or "", now=clock.now())
    except Invalid as refusal:
        tell(form, refusal, NOTE_PROBLEMS)
        return hold(whose, service, form, 422)
    flash(done)
    services = url_for(
        "manage_smartcard.card_services", uuid=whose.person.uuid, card_id=whose.card.id
    )
    return redirect(services, 303)
