"""blocked self service

Agents are shown whose self-service is blocked: an index that holds only those.
"""

import sqlalchemy as sa
from alembic import op

revision = "blocked_self_service"
down_revision = "self_service"
branch_labels = None
depends_on = None

BLOCKED = sa.text("blocked_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_self_service_blocked",
        "self_service",
        ["blocked_at"],
        sqlite_where=BLOCKED,
        postgresql_where=BLOCKED,
    )


def downgrade() -> None:
    op.drop_index("ix_self_service_blocked", table_name="self_service")
