"""people by given name within an organisation

The index for searching the people of an organisation by how their given name begins.
"""

from alembic import op

revision = "people_by_given_name"
down_revision = "revocation"
branch_labels = None
depends_on = None

INDEX = "ix_person_organisation_id_given_folded_family_folded_id"
COLUMNS = ["organisation_id", "given_folded", "family_folded", "id"]


def upgrade() -> None:
    op.create_index(INDEX, "person", COLUMNS)


def downgrade() -> None:
    op.drop_index(INDEX, "person")
