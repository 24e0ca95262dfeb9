"""The hello of a reader bridge, brought by a page; what a bridge asks for by itself."""

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from app import clock
from app.blueprints.bodies import posted
from app.blueprints.browsers import browser_digest
from app.blueprints.permissions import open_to_all
from app.card_operations.office import current_office
from app.services import install_codes, reader_bridges

bp = Blueprint("bridge", __name__)


@bp.post("/bridge/hello")
@open_to_all
def hello() -> ResponseReturnValue:
    """Meet the bridge of this browser. Needs the browser's CSRF token, and is rate limited."""
    met = reader_bridges.meet(
        posted().get("hello"),
        origin=current_office().origin,
        browser=browser_digest(),
        address=request.remote_addr,
        now=clock.now(),
    )
    return jsonify(connection=met.connection, enrolled=met.enrolled)


@bp.get("/bridge/configuration")
@open_to_all
def configuration() -> ResponseReturnValue:
    """What a bridge is given on a first run by hand: origin, ticket keys, and where to listen."""
    office = current_office()
    first_port = current_app.config["BRIDGE_PORT"]
    return jsonify(origin=office.origin, keys=office.tickets.public, first_port=first_port)


@bp.get("/bridge/enrolment")
@open_to_all
def challenge() -> ResponseReturnValue:
    """What a bridge signs together with its install code: the token of this visit."""
    return jsonify(challenge=generate_csrf())


@bp.post("/bridge/enrolment")
@open_to_all
def enrolment() -> ResponseReturnValue:
    """Enrol the PC whose bridge brings a good install code. Rate limited."""
    name = install_codes.redeem(
        posted().get("enrolment"),
        challenge=request.headers.get("X-CSRFToken", ""),
        origin=current_office().origin,
        address=request.remote_addr,
        now=clock.now(),
    )
    return jsonify(enrolled=True, name=name)
