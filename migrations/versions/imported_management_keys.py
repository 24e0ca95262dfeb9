"""imported management keys

Own management keys of cards whose make cannot be given another.
"""

import sqlalchemy as sa
from alembic import op

revision = "imported_management_keys"
down_revision = "doubt_about_puks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imported_management_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("named", sa.String(length=80), nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "algorithm IN ('3DES', 'AES128', 'AES192', 'AES256')",
            name=op.f("ck_imported_management_key_algorithm"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_management_key")),
        sa.UniqueConstraint("named", name=op.f("uq_imported_management_key_named")),
    )


def downgrade() -> None:
    op.drop_table("imported_management_key")
