"""session presence

When a page was last asked for a proof of presence, and since when another program has the card.
"""

import sqlalchemy as sa
from alembic import op

revision = "session_presence"
down_revision = "install_codes"
branch_labels = None
depends_on = None

COLUMNS = ("presence_asked_at", "busy_since")


def upgrade() -> None:
    with op.batch_alter_table("session") as batch_op:
        for name in COLUMNS:
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("session") as batch_op:
        for name in reversed(COLUMNS):
            batch_op.drop_column(name)
