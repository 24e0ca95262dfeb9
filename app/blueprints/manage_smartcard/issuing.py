"""Issuing a card: the identity check, the blank card in the second reader, and its print."""

from typing import Any

from flask import Response, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.at_the_bridge import (
    at_the_bridge,
    guid_meant,
    guid_shown,
    reading,
    serial_told,
)
from app.blueprints.bodies import posted
from app.blueprints.fragments import go_to
from app.blueprints.manage_smartcard.approving import ask_identity
from app.blueprints.manage_smartcard.blueprint import bp
from app.blueprints.manage_smartcard.forms import IdentityForm, from_step
from app.blueprints.manage_smartcard.present import in_reader, presented
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import principal, requires
from app.card_operations import erase
from app.card_operations import issue as issue_operation
from app.card_operations.answers import CardAnswered, Finished, Waiting
from app.card_operations.office import current_office
from app.domain.passcode import PasscodeRule
from app.domain.roles import Permission
from app.domain.second_card import SecondCard
from app.models import CardOperation
from app.services import card_print, giving_up, issuing, second_reader

ISSUABLE = frozenset({SecondCard.BLANK, SecondCard.HALF_ISSUED})
APPROVAL_LENGTH = 36
GIVE_UP = "give-up"  # in an address: a card that was begun is not to be issued after all


@bp.get("/people/<uuid>/issue")
@requires(Permission.ISSUE_CARD)
def issue(uuid: str) -> ResponseReturnValue:
    """Ask for the identity check first; then for the blank card."""
    whom = issuing.read(principal(), uuid, now=clock.now(), look=True, or_give_up=True)
    approval = request.args.get("approval", "")[:APPROVAL_LENGTH]
    begun = giving_up.stands(whom.row)
    # Which wants no identity check
    gives_up = begun and (whom.only_give_up or GIVE_UP in request.args)
    page = "issue.html" if approval or whom.goes_on or gives_up else "identity.html"
    return render_template(
        f"manage_smartcard/{page}",
        form=IdentityForm(formdata=None),
        person=whom.person,
        offer=whom.offer,
        begun=begun,
        begun_cards=giving_up.cards_begun(whom.row),
        gives_up=gives_up,
        act="issue",
        approval=approval,
    )


@bp.post("/people/<uuid>/issue/approve")
@requires(Permission.ISSUE_CARD)
def approve_issue(uuid: str) -> ResponseReturnValue:
    body = posted()
    form = from_step(IdentityForm, body)
    whom = issuing.read(principal(), uuid, now=clock.now())
    if not form.validate():
        return ask_identity(form, person=whom.person, offer=whom.offer, act="issue")
    ticket = issuing.start_approval(
        principal(),
        uuid,
        form.seen(),
        guid=guid_meant(body),
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


@bp.post("/people/<uuid>/issue/card")
@requires(Permission.ISSUE_CARD)
def issue_card(uuid: str) -> ResponseReturnValue:
    """Say whether the card in the second reader can be issued to this person."""
    whom = issuing.read(principal(), uuid, now=clock.now(), or_give_up=True)
    shown, others = presented()
    if shown is None:
        return in_reader("choose", cards=others)
    found = second_reader.look(principal(), shown, office=current_office(), now=clock.now())
    if found.what not in ISSUABLE:
        what = "not-blank" if found.what is SecondCard.HELD else found.what
        return in_reader(what, card=shown)
    if found.person is not None and found.person.id != whom.row.id:
        return in_reader("not-blank", card=shown)
    begun = giving_up.begun_with(whom.row, shown.guid, shown.serial)
    erasing = begun is not None and begun.kind == erase.KIND
    only_give_up = whom.only_give_up or GIVE_UP in request.args
    return render_template(
        "manage_smartcard/_blank.html",
        shown=shown,
        rule=shown.rule,
        continues=found.person is not None,
        gives_up=begun is not None,
        erasing=erasing,
        # A card that shows nothing may also be another one
        issuable=not only_give_up and (not erasing or shown.guid is None),
        **_shown(whom, request.args.get("approval", "")[:APPROVAL_LENGTH]),
    )


@bp.post("/people/<uuid>/issue/start")
@requires(Permission.ISSUE_CARD)
def start_issue(uuid: str) -> ResponseReturnValue:
    body = posted()
    ticket = issuing.start(
        principal(),
        uuid,
        reading(body),
        approval=str(body.get("approval") or "")[:APPROVAL_LENGTH],
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


@bp.post("/people/<uuid>/issue/give-up")
@requires(Permission.ERASE_CARD)
def give_up_issue(uuid: str) -> ResponseReturnValue:
    """Erase the card in the second reader, whose issue was begun."""
    body = posted()
    ticket = giving_up.start(
        principal(),
        uuid,
        guid=guid_shown(body),
        serial=serial_told(body),
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


@bp.get("/people/<uuid>/cards/<int:card_id>/print")
@requires(Permission.ISSUE_CARD)
def print_card(uuid: str, card_id: int) -> ResponseReturnValue:
    """The card's print as a PDF of its own size."""
    made = card_print.of_card(principal(), uuid, card_id, now=clock.now())
    response = Response(made.pdf, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="card-{made.number}.pdf"'
    return response


def _shown(whom: issuing.Issuing, approval: str = "") -> dict[str, Any]:
    return {"person": whom.person, "offer": whom.offer, "approval": approval}


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    """Show what the card that is being issued answered, in the place of its form."""
    if isinstance(answer, Finished):
        return jsonify(location=url_for("manage_smartcard.done", operation=answer.operation))
    assert row.person is not None
    whom = issuing.read(principal(), row.person.uuid, now=clock.now())
    said: dict[str, Any] = {"facts": answer.facts, "continues": True}
    if isinstance(answer, CardAnswered):
        said["code"] = answer.code
    elif isinstance(answer, Waiting):
        said["waiting"] = answer.reason
    rule = row.card.passcode_rule if row.card else PasscodeRule()
    return render_template("manage_smartcard/_issuing.html", rule=rule, **_shown(whom), **said)


def show_giving_up(row: CardOperation, **said: Any) -> ResponseReturnValue:
    """Show what the card answered that is erased instead of issued, in the place of its form."""
    assert row.person is not None
    whom = issuing.read(principal(), row.person.uuid, now=clock.now(), or_give_up=True)
    return render_template(
        "manage_smartcard/_giving_up.html", erasing=True, person=whom.person, **said
    )


def show_standing(row: CardOperation) -> ResponseReturnValue:
    assert row.person is not None
    if row.state.is_over:
        return go_to(url_for("manage_smartcard.done", operation=row.public_id))
    return go_to(url_for("manage_smartcard.issue", uuid=row.person.uuid))


shows(issue_operation.KIND, Showing(answer=show_answer, stands=show_standing), assisted=True)
