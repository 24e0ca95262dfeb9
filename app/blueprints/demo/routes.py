"""Only in a demonstration: the card desk, with virtual cards and readers to try the service with,
and the mail that it has sent.
"""

from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from app.blueprints.at_the_bridge import at_the_bridge
from app.blueprints.bodies import posted
from app.blueprints.fragments import go_to, page_or_fragment, wants_fragment
from app.blueprints.outcomes import Showing, Shown, shows
from app.blueprints.permissions import open_to_all
from app.card_operations import age as aging
from app.card_operations.answers import CardAnswered, Finished
from app.models import CardOperation
from app.services import demonstration_desk, demonstration_mail, mail_body

bp = Blueprint("demo", __name__, url_prefix="/demo")

# A message as a mail program shows it: its own styles, and nothing that runs, loads or leads away
POLICY_OF_MESSAGES = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)


@bp.before_request
def only_in_a_demonstration() -> None:
    if not current_app.config["DEMONSTRATION"]:
        abort(404)


@bp.get("/card-desk")
@open_to_all
def card_desk() -> ResponseReturnValue:
    return render_template(
        "demo/card_desk.html",
        cards=demonstration_desk.cards(),
        age_days=demonstration_desk.AGE_DAYS,
    )


@bp.get("/mail")
@open_to_all
def mail() -> ResponseReturnValue:
    """Show the newest messages. ``after`` names the newest on a page that asks by itself."""
    if wants_fragment() and request.args.get("after") == (demonstration_mail.last() or "none"):
        return Response(status=204)
    return page_or_fragment(
        "demo/mail.html",
        "demo/_messages.html",
        messages=demonstration_mail.newest(),
        most=demonstration_mail.SHOWN,
    )


@bp.get("/mail/<name>")
@open_to_all
def message(name: str) -> ResponseReturnValue:
    return render_template(
        "demo/message.html", message=demonstration_mail.message(name), pieces=mail_body.pieces
    )


@bp.get("/mail/<name>/html")
@open_to_all
def message_as_html(name: str) -> ResponseReturnValue:
    """Show a message as a mail program does, in a sandbox of its own."""
    shown = demonstration_mail.message(name)
    if shown.html is None:
        abort(404)
    return Response(shown.html, headers={"Content-Security-Policy": POLICY_OF_MESSAGES})


@bp.post("/cards/<name>/age")
@open_to_all
def age(name: str) -> ResponseReturnValue:
    body = posted()
    ticket = demonstration_desk.make_older(
        name,
        **at_the_bridge(body),
    )
    return jsonify(ticket.for_page())


def show_answer(answer: Shown, row: CardOperation) -> ResponseReturnValue:
    said: dict[str, Any] = {"done": isinstance(answer, Finished)}
    if isinstance(answer, CardAnswered):
        said |= {"code": answer.code, "facts": answer.facts}
    return render_template(
        "demo/_age.html",
        card=demonstration_desk.card_of_guid(row.card.guid if row.card else None),
        seat=row.seat,
        age_days=demonstration_desk.AGE_DAYS,
        **said,
    )


def show_standing(row: CardOperation) -> ResponseReturnValue:
    return go_to(url_for("demo.card_desk"))


shows(aging.KIND, Showing(answer=show_answer, stands=show_standing))
