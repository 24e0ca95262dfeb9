"""A card that is lost or broken while it is being issued or erased is given up, without it."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.browsers import browser_digest
from app.blueprints.manage_smartcard.blueprint import bp
from app.blueprints.manage_smartcard.forms import LostForm
from app.blueprints.permissions import principal, requires
from app.domain.cancelling import CancelReason
from app.domain.days import day_of
from app.domain.roles import Permission
from app.services import lost_cards, profile

ADDRESS = "/people/<uuid>/cards/<int:card_id>/lost"


@bp.get(ADDRESS)
@requires(Permission.ISSUE_CARD)
def lost(uuid: str, card_id: int) -> ResponseReturnValue:
    return _ask(uuid, card_id, LostForm(formdata=None))


@bp.post(ADDRESS)
@requires(Permission.ISSUE_CARD)
def give_up_lost(uuid: str, card_id: int) -> ResponseReturnValue:
    form = LostForm()
    if not form.validate():
        return _ask(uuid, card_id, form, 422)
    lost_cards.give_up(
        principal(),
        uuid,
        card_id,
        reason=CancelReason(form.reason.data),
        note=(form.note.data or "").strip(),
        browser=browser_digest(),
        now=clock.now(),
    )
    flash("card-given-up")
    return redirect(url_for("manage_smartcard.card_services", uuid=uuid, card_id=card_id), 303)


def _ask(uuid: str, card_id: int, form: LostForm, status: int = 200) -> ResponseReturnValue:
    now = clock.now()
    begun = lost_cards.standing(principal(), uuid, card_id, now=now)
    page = render_template(
        "manage_smartcard/lost.html",
        form=form,
        person=profile.read(begun.person.id, today=day_of(now)),
        device=profile.own_card(card_id, today=day_of(now)),
        kind=begun.operation.kind,
    )
    return page, status
