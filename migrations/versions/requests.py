"""requests

What somebody asks the registration authority to do. A person waits for one new card at most.
"""

import sqlalchemy as sa
from alembic import op

revision = "requests"
down_revision = "people_by_given_name"
branch_labels = None
depends_on = None

KINDS = (
    "create-person",
    "change-details",
    "assign-position",
    "end-position",
    "issue-card",
    "close-person",
)
STATES = ("draft", "submitted", "approved", "rejected", "done", "cancelled")
OPEN_CARD = sa.text("kind = 'issue-card' AND state IN ('draft', 'submitted', 'approved')")
MOMENT = sa.DateTime(timezone=True)


def words(name: str, values: tuple[str, ...]) -> sa.Enum:
    longest = max(map(len, values))
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=longest)


def upgrade() -> None:
    op.create_table(
        "request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", words("kind", KINDS), nullable=False),
        sa.Column("state", words("state", STATES), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("subject_person_id", sa.Integer(), nullable=True),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("filed_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("filed_at", MOMENT, nullable=False),
        sa.Column("modified_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NOT NULL) = (state IN ('rejected', 'done', 'cancelled'))",
            name=op.f("ck_request_over_has_a_time"),
        ),
        sa.CheckConstraint(
            "kind = 'create-person' OR subject_person_id IS NOT NULL",
            name=op.f("ck_request_is_about_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_request_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["subject_person_id"], ["person.id"], name=op.f("fk_request_subject_person_id")
        ),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_request_card_id")),
        sa.ForeignKeyConstraint(
            ["filed_by_id"], ["person.id"], name=op.f("fk_request_filed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["person.id"], name=op.f("fk_request_closed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
    )
    op.create_index(
        op.f("ix_request_organisation_id_state_filed_at_id"),
        "request",
        ["organisation_id", "state", "filed_at", "id"],
    )
    op.create_index(op.f("ix_request_state_filed_at_id"), "request", ["state", "filed_at", "id"])
    op.create_index(op.f("ix_request_subject_person_id_id"), "request", ["subject_person_id", "id"])
    op.create_index(
        "uq_request_one_card_per_person",
        "request",
        ["subject_person_id"],
        unique=True,
        sqlite_where=OPEN_CARD,
        postgresql_where=OPEN_CARD,
    )


def downgrade() -> None:
    op.drop_table("request")
