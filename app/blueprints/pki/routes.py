"""A page about the certificate authority: what to trust, and where to ask. Open to all."""

import structlog
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.blueprints.permissions import open_to_all
from app.card_operations.office import current_office
from app.pki.authority import AuthorityUnusable
from app.services import authorities

log = structlog.get_logger("app.pki")
bp = Blueprint("pki", __name__)


@bp.get("/pki/")
@open_to_all
def show() -> ResponseReturnValue:
    try:
        issuer = current_office().issuer
    except AuthorityUnusable as error:
        log.error("failed", what="authority", exc_info=error)
        return render_template("pki/page.html", authorities=None), 503
    return render_template(
        "pki/page.html",
        authorities=authorities.shown(issuer),
        ocsp=authorities.ocsp_url(issuer),
    )
