"""doubt about PUKs

How often a change to the pending PUK was sent, and which of the two the card has said no to.
"""

import sqlalchemy as sa
from alembic import op

revision = "doubt_about_puks"
down_revision = "requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("card") as batch_op:
        batch_op.add_column(sa.Column("puk_sent", sa.Integer(), nullable=False, server_default="0"))
        for name in ("puk_current_out", "puk_pending_out"):
            batch_op.add_column(
                sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
            )


def downgrade() -> None:
    with op.batch_alter_table("card") as batch_op:
        for name in ("puk_pending_out", "puk_current_out", "puk_sent"):
            batch_op.drop_column(name)
