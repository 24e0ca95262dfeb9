"""expiry reminders, and mail that failed

A reminder is written once for a card, a last day and a number of days before it. Lists of what
expires are read by day and card; mail that was given up is looked for by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "expiry_reminders"
down_revision = "positions_at_home"
branch_labels = None
depends_on = None

FAILED = sa.text("failed_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "expiry_reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_expiry_reminder_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expiry_reminder")),
        sa.UniqueConstraint(
            "card_id", "expires_on", "days", name=op.f("uq_expiry_reminder_card_id_expires_on_days")
        ),
    )
    op.create_index(
        "ix_outbox_message_failed",
        "outbox_message",
        ["failed_at"],
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )
    op.drop_index("ix_card_expires_on", "card")
    op.create_index("ix_card_expires_on_id", "card", ["expires_on", "id"])


def downgrade() -> None:
    op.drop_index("ix_card_expires_on_id", "card")
    op.create_index("ix_card_expires_on", "card", ["expires_on"])
    op.drop_index("ix_outbox_message_failed", "outbox_message")
    op.drop_table("expiry_reminder")
