"""Reporting one's own card: what has happened, whether it is meant, and what followed."""

from flask import (
    Blueprint,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.permissions import principal, requires, show_to_nobody
from app.blueprints.reporting.forms import CancelForm, MisuseForm, WhatForm
from app.domain.card_services import CardService, demand
from app.domain.errors import Conflict, NotFound
from app.domain.roles import Permission
from app.services import cards
from app.services.cards import Report
from app.services.own_card import OwnCard, own_card

bp = Blueprint("reporting", __name__, url_prefix="/profile/cards/<int:card_id>/report")

REPORTED = "card-misuse-reported"


@bp.get("")
@requires(Permission.REPORT_OWN_CARD)
def ask(card_id: int) -> ResponseReturnValue:
    card = reportable(card_id)
    form = WhatForm(formdata=None, in_use=card.in_use)
    return render_template("reporting/what.html", card=card, form=form)


@bp.post("")
@requires(Permission.REPORT_OWN_CARD)
def choose(card_id: int) -> ResponseReturnValue:
    card = reportable(card_id)
    form = WhatForm(in_use=card.in_use)
    if not form.validate():
        return render_template("reporting/what.html", card=card, form=form), 422
    return redirect(url_for("reporting.confirm", card_id=card_id, what=form.what.data), 303)


@bp.get("/<what>")
@requires(Permission.REPORT_OWN_CARD)
def confirm(card_id: int, what: str) -> ResponseReturnValue:
    card, happened = reportable(card_id), what_of(what)
    if card.in_use and happened in (Report.LOST, Report.STOLEN):
        raise Conflict("card-is-here")
    form = form_of(happened)(formdata=None)
    return render_template("reporting/confirm.html", card=card, what=happened, form=form)


@bp.post("/<what>")
@requires(Permission.REPORT_OWN_CARD)
def send(card_id: int, what: str) -> ResponseReturnValue:
    card, happened = reportable(card_id), what_of(what)
    form = form_of(happened)()
    if not form.validate():
        page = render_template("reporting/confirm.html", card=card, what=happened, form=form)
        return page, 422
    done = cards.report(
        principal(),
        card_id,
        happened,
        note=form.note.data or "",
        replacement=isinstance(form, CancelForm) and form.replacement.data,
        now=clock.now(),
    )
    return told(card, happened, done)


@bp.get("/misused/done")
@requires(Permission.REPORT_OWN_CARD)
def misuse_told(card_id: int) -> ResponseReturnValue:
    """Lead into changing the passcode, and offer to cancel; only right after the report."""
    card = reportable(card_id)
    if REPORTED not in get_flashed_messages():
        return redirect(url_for("smartcards.service", card_id=card_id), 303)
    return render_template("reporting/misuse_told.html", card=card, form=CancelForm(formdata=None))


@bp.post("/misused/cancel")
@requires(Permission.REPORT_OWN_CARD)
def cancel_misused(card_id: int) -> ResponseReturnValue:
    """Cancel a card that somebody else has used, because its holder asks for it."""
    card = reportable(card_id)
    form = CancelForm()
    if not form.validate():
        return render_template("reporting/misuse_told.html", card=card, form=form), 422
    done = cards.report(
        principal(),
        card_id,
        Report.MISUSED,
        replacement=form.replacement.data,
        cancel=True,
        now=clock.now(),
    )
    return told(card, Report.MISUSED, done)


def told(card: OwnCard, what: Report, done: cards.Reported) -> ResponseReturnValue:
    """Say what followed. With the card in use, the session has ended too."""
    if not done.cancelled:
        flash(REPORTED)
        return redirect(url_for("reporting.misuse_told", card_id=card.id), 303)
    if done.signed_out:
        session.clear()
        show_to_nobody()
    return render_template("reporting/cancelled.html", card=card, what=what, done=done)


def reportable(card_id: int) -> OwnCard:
    """Return a card of the holder's that can be reported.

    Raises:
        NotFound: it is not theirs.
        CardServiceRefused: it is cancelled already.
    """
    card = own_card(principal(), card_id, now=clock.now())
    demand(card.offer(CardService.REPORT))
    return card


def what_of(word: str) -> Report:
    """Return what an address says has happened.

    Raises:
        NotFound: there is no such thing.
    """
    try:
        return Report(word)
    except ValueError:
        raise NotFound("report", word) from None


def form_of(what: Report) -> type[CancelForm | MisuseForm]:
    return MisuseForm if what is Report.MISUSED else CancelForm
