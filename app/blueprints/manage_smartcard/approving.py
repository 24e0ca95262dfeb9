"""What the agent's own card has signed, and what follows: another page, or the question again."""

from typing import Any

from flask import Response, jsonify, make_response, render_template, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.fragments import go_to
from app.blueprints.manage_smartcard import cancelling
from app.blueprints.manage_smartcard.about import about
from app.blueprints.manage_smartcard.forms import CancelForm, IdentityForm
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import principal
from app.card_operations import approve
from app.card_operations.answers import CardAnswered, Finished
from app.domain.approval import Act, ActKind
from app.domain.card_services import CardService
from app.domain.identity_check import seen_in
from app.models import CardOperation
from app.services import issuing, second_reader


def identity_form(act: Act) -> IdentityForm:
    """The form of an identity check, as it was filled in."""
    ticked = {document.value: True for document in seen_in(act.note)}
    return IdentityForm(formdata=None, data={"photo": True, **ticked}, meta={"csrf": False})


def ask_identity(form: IdentityForm, status: int = 422, **shown: Any) -> Response:
    """Show the identity check again, with what was wrong."""
    page = render_template("manage_smartcard/_identity.html", form=form, **shown)
    return make_response(page, status)


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    act = approve.act_of(row)
    if isinstance(answer, Finished):
        return jsonify(location=_next(row, act))
    said: dict[str, Any] = {"facts": answer.facts}
    if isinstance(answer, CardAnswered):
        said["code"] = answer.code
    if act.act is ActKind.ISSUE:
        whom = issuing.read(principal(), _uuid(act), now=clock.now())
        return ask_identity(
            identity_form(act), 200, person=whom.person, offer=whom.offer, act="issue", **said
        )
    assert act.card_id is not None
    whose = about(_uuid(act), act.card_id, CardService(act.act.value))
    if act.act is ActKind.REPAIR:
        return ask_identity(identity_form(act), 200, act="repair", **whose.shown(), **said)
    form = CancelForm(
        formdata=None,
        data={"reason": act.reason, "note": act.note, "replacement": act.replacement},
        meta={"csrf": False},
    )
    return cancelling.ask_again(whose, form, 200, **said)


def show_standing(row: CardOperation) -> ResponseReturnValue:
    """After a reload: what the signature led to, or the page on which it is asked for."""
    return go_to(_next(row, approve.act_of(row)))


def _next(row: CardOperation, act: Act) -> str:
    uuid = _uuid(act)
    if act.act is ActKind.CANCEL:
        return url_for("manage_smartcard.done", operation=row.public_id)
    if act.act is ActKind.ISSUE:
        return url_for("manage_smartcard.issue", uuid=uuid, approval=row.public_id)
    return url_for(
        "manage_smartcard.repair", uuid=uuid, card_id=act.card_id, approval=row.public_id
    )


def _uuid(act: Act) -> str:
    assert act.person_id is not None
    return second_reader.uuid_of(act.person_id)


shows(approve.KIND, Showing(answer=show_answer, stands=show_standing))
