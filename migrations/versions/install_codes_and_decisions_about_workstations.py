"""install codes, and decisions about workstations

Revision: install_codes, after 0001
"""

import sqlalchemy as sa
from alembic import op

from app.domain.names import folded

revision = "install_codes"
down_revision = "0001"
branch_labels = None
depends_on = None

ENDS_BEFORE = (
    "signed-out", "card-removed", "card-changed", "presence-lost", "idle", "total",
    "card-cancelled", "card-suspended", "account-closed", "replaced",
)  # fmt: skip
ENDS = (*ENDS_BEFORE, "workstation-blocked")


def upgrade() -> None:
    op.create_table(
        "install_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("uses > 0", name=op.f("ck_install_code_uses_from_1")),
        sa.CheckConstraint(
            "used BETWEEN 0 AND uses", name=op.f("ck_install_code_used_within_uses")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["person.id"], name=op.f("fk_install_code_made_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_install_code")),
        sa.UniqueConstraint("digest", name=op.f("uq_install_code_digest")),
    )
    with op.batch_alter_table("workstation") as batch_op:
        batch_op.add_column(
            sa.Column(
                "name_folded",
                sa.String(length=200).with_variant(
                    sa.String(length=200, collation="C"), "postgresql"
                ),
                server_default="",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("decided_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("reason", sa.String(length=200), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_workstation_decided_by_id"), "person", ["decided_by_id"], ["id"]
        )
        batch_op.drop_index(op.f("ix_workstation_last_seen_at"))
        batch_op.create_index(op.f("ix_workstation_name_folded"), ["name_folded"], unique=False)
        batch_op.create_index(
            op.f("ix_workstation_last_seen_at_id"), ["last_seen_at", "id"], unique=False
        )
        batch_op.create_index(
            op.f("ix_workstation_status_last_seen_at_id"),
            ["status", "last_seen_at", "id"],
            unique=False,
        )
    fold_names()
    op.create_table(
        "install_code_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_id", sa.Integer(), nullable=False),
        sa.Column("workstation_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["code_id"], ["install_code.id"], name=op.f("fk_install_code_use_code_id")
        ),
        sa.ForeignKeyConstraint(
            ["workstation_id"], ["workstation.id"], name=op.f("fk_install_code_use_workstation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_install_code_use")),
        sa.UniqueConstraint(
            "code_id", "workstation_id", name=op.f("uq_install_code_use_code_id_workstation_id")
        ),
    )
    with op.batch_alter_table("install_code_use") as batch_op:
        batch_op.create_index(
            op.f("ix_install_code_use_workstation_id"), ["workstation_id"], unique=False
        )
    ends_of_sessions(ENDS)
    with op.batch_alter_table("session") as batch_op:
        batch_op.create_index(
            op.f("ix_session_workstation_id_started_at"),
            ["workstation_id", "started_at"],
            unique=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("session") as batch_op:
        batch_op.drop_index(op.f("ix_session_workstation_id_started_at"))
    session = sa.table("session", sa.column("end_reason", sa.String()))
    op.execute(
        session.update()
        .where(session.c.end_reason == "workstation-blocked")
        .values(end_reason="presence-lost")
    )
    ends_of_sessions(ENDS_BEFORE)
    op.drop_table("install_code_use")
    with op.batch_alter_table("workstation") as batch_op:
        batch_op.drop_index(op.f("ix_workstation_status_last_seen_at_id"))
        batch_op.drop_index(op.f("ix_workstation_last_seen_at_id"))
        batch_op.drop_index(op.f("ix_workstation_name_folded"))
        batch_op.drop_constraint(op.f("fk_workstation_decided_by_id"), type_="foreignkey")
        batch_op.drop_column("reason")
        batch_op.drop_column("decided_by_id")
        batch_op.drop_column("decided_at")
        batch_op.drop_column("name_folded")
        batch_op.create_index(op.f("ix_workstation_last_seen_at"), ["last_seen_at"], unique=False)
    op.drop_table("install_code")


def ends_of_sessions(words: tuple[str, ...]) -> None:
    """Say with which words a session may be over."""
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("session") as batch_op:
        batch_op.drop_constraint(op.f("ck_session_end_reason"), type_="check")
        batch_op.alter_column(
            "end_reason",
            existing_type=sa.String(),
            type_=sa.String(length=max(map(len, words))),
            existing_nullable=True,
        )
        batch_op.create_check_constraint(op.f("ck_session_end_reason"), f"end_reason IN ({listed})")


def fold_names() -> None:
    """Give the PCs that are there the names that a search compares."""
    pcs = sa.table(
        "workstation",
        sa.column("id", sa.Integer()),
        sa.column("name", sa.String()),
        sa.column("name_folded", sa.String()),
    )
    connection = op.get_bind()
    for number, name in connection.execute(sa.select(pcs.c.id, pcs.c.name)).all():
        connection.execute(pcs.update().where(pcs.c.id == number).values(name_folded=folded(name)))
