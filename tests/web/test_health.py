"""`/healthz`: whether this server can do its work."""

from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session, scoped_session

import config as settings
from app import create_app


def test_a_server_with_its_database_at_the_newest_version_is_well(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["status"] == "ok"


def test_a_database_that_waits_for_its_migration_is_not(
    client: FlaskClient, db_session: scoped_session[Session]
) -> None:
    db_session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    db_session.commit()
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["migrations"] == "behind"


def test_a_database_that_is_away_is_said_without_its_address(tmp_path: Path) -> None:
    nowhere = f"sqlite:///{tmp_path}/no/such/folder/secret-name.db"
    app = create_app(settings.Testing(INSTANCE=tmp_path, SQLALCHEMY_DATABASE_URI=nowhere))
    answer = app.test_client().get("/healthz")
    assert answer.status_code == 503
    assert answer.json == {"status": "failing", "database": "unreachable"}
