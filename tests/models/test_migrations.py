"""The migrations make the very tables that the models describe, one after the other."""

from pathlib import Path

import flask_migrate
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect

from app.extensions import db
from app.models import Base
from tests.parts.database import TestDatabase

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def test_the_migrations_have_one_head():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_the_migrations_make_what_the_models_describe(db_session):
    context = MigrationContext.configure(db_session.connection(), opts={"compare_type": True})
    assert compare_metadata(context, Base.metadata) == []


def test_every_check_of_the_models_is_in_the_migrated_database(db_session):
    found = inspect(db_session.connection())
    for table in Base.metadata.sorted_tables:
        expected = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
        migrated = {check["name"] for check in found.get_check_constraints(table.name)}
        assert migrated == expected, table.name


def test_a_database_can_be_taken_back_to_nothing_and_forward_again(app, database: TestDatabase):
    with app.app_context():
        flask_migrate.downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        flask_migrate.upgrade()
        assert set(inspect(db.engine).get_table_names()) > set(Base.metadata.tables)
