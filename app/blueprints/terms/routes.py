"""The current terms and conditions as a page. Accepting them belongs to signing in."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.blueprints.permissions import open_to_all
from app.services import terms

bp = Blueprint("terms", __name__)


@bp.get("/terms")
@open_to_all
def show() -> ResponseReturnValue:
    return render_template("terms/page.html", terms=terms.current())
