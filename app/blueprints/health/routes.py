"""`/healthz`: whether this server can do its work. For a load balancer, not for people."""

from functools import cache
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app.blueprints.permissions import open_to_all
from app.extensions import db

bp = Blueprint("health", __name__)


@cache
def newest_revision(folder: str) -> str | None:
    """Return the migration that the code needs; ``None`` where there are no migrations."""
    if not (Path(folder) / "env.py").exists():
        return None
    return ScriptDirectory(folder).get_current_head()


@bp.get("/healthz")
@open_to_all
def healthz() -> ResponseReturnValue:
    wanted = newest_revision(current_app.extensions["migrate"].directory)
    try:
        with db.engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError:
        return jsonify(status="failing", database="unreachable"), 503
    if revision != wanted:
        return jsonify(status="failing", database="reachable", migrations="behind"), 503
    return jsonify(status="ok", database="reachable", migrations="at head")
