"""Help and contacts: the answers of the leaflet, and the telephone numbers of the settings."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.blueprints.permissions import open_to_all

bp = Blueprint("help", __name__)


@bp.get("/help")
@open_to_all
def contacts() -> ResponseReturnValue:
    return render_template("help/contacts.html")
