"""Runs the migrations on the application's own database, or prints their SQL."""

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from app.extensions import db
from app.models import Base, UtcDateTime


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | bool:
    """Write our own column type as what it is in the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def configure(**target: Any) -> None:
    context.configure(
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_server_default=True,
        **target,
    )


def print_sql() -> None:
    configure(url=str(db.engine.url), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def migrate(connection: Connection) -> None:
    configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    print_sql()
else:
    with db.engine.connect() as connection:
        migrate(connection)
        connection.commit()
