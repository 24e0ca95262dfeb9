"""A server with a few views of its own that go wrong in every way there is."""

from pathlib import Path

import pytest
from flask import Blueprint, Flask, abort
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

import config as settings
from app import create_app
from app.blueprints.fragments import go_to, page_or_fragment
from app.blueprints.permissions import open_to_all, requires
from app.domain.errors import Conflict, RateLimited
from app.domain.roles import Permission

FRAGMENT = {"HX-Request": "true"}


def views() -> Blueprint:
    bp = Blueprint("trial", __name__, url_prefix="/trial")

    @bp.get("/unmarked")
    def unmarked() -> str:
        return "seen by whoever comes along"

    @bp.get("/holders")
    @requires(Permission.OWN_PROFILE)
    def holders() -> str:
        return "for those who are signed in"

    @bp.get("/parts")
    @open_to_all
    def parts() -> ResponseReturnValue:
        return page_or_fragment("errors/page.html", "errors/_problem.html", status_shown=400)

    @bp.get("/row/<int:number>")
    @open_to_all
    def row(number: int) -> str:
        return str(number)

    @bp.post("/form")
    @open_to_all
    def form() -> ResponseReturnValue:
        return go_to("/trial/parts")

    @bp.route("/refused/<int:status>", methods=["GET"])
    @open_to_all
    def refused(status: int) -> ResponseReturnValue:
        abort(status)

    @bp.get("/conflict")
    @open_to_all
    def conflict() -> str:
        raise Conflict("somebody-was-first", who="<script>")

    @bp.get("/another-card")
    @open_to_all
    def another_card() -> str:
        raise Conflict("another-card")

    @bp.get("/too-many")
    @open_to_all
    def too_many() -> str:
        raise RateLimited(retry_after=90)

    @bp.get("/broken")
    @open_to_all
    def broken() -> str:
        password = "hunter2"
        raise RuntimeError(f"a fault, {len(password)} characters away from a secret")

    return bp


@pytest.fixture(scope="session")
def trial_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("trial")
    app = create_app(settings.Testing(INSTANCE=folder))
    app.register_blueprint(views())
    return app


@pytest.fixture
def trial(trial_app: Flask) -> FlaskClient:
    """A browser at that server."""
    return trial_app.test_client()
