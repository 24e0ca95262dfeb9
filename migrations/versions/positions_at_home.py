"""positions at home

Whether a position is in its holder's home organisation: who looks for the people of an
organisation reads only the positions that say more than that.
"""

import sqlalchemy as sa
from alembic import op

revision = "positions_at_home"
down_revision = "imported_management_keys"
branch_labels = None
depends_on = None

OLD_INDEX = "ix_assignment_position_id"
INDEX = "ix_assignment_position_id_at_home"


def upgrade() -> None:
    with op.batch_alter_table("assignment") as batch_op:
        batch_op.add_column(
            sa.Column("at_home", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.drop_index(OLD_INDEX)
        batch_op.create_index(INDEX, ["position_id", "at_home"])
    op.execute(
        sa.text(
            "UPDATE assignment SET at_home = "
            "(SELECT organisation_id FROM person WHERE person.id = assignment.person_id) = "
            "(SELECT organisation_id FROM position WHERE position.id = assignment.position_id)"
        )
    )


def downgrade() -> None:
    with op.batch_alter_table("assignment") as batch_op:
        batch_op.drop_index(INDEX)
        batch_op.create_index(OLD_INDEX, ["position_id"])
        batch_op.drop_column("at_home")
