"""revocation

What replaced certificates are is said in one word, revoked, with its reason and time. Lists of
revoked certificates are kept, and find what they list by an index.
"""

import sqlalchemy as sa
from alembic import op

revision = "revocation"
down_revision = "session_presence"
branch_labels = None
depends_on = None

WORDS = ("held", "active", "revoked")
WORDS_BEFORE = ("held", "active", "superseded", "revoked")
SUSPENDED = sa.text("status = 'suspended'")
NOT_GOOD = sa.text("status <> 'active'")

certificate = sa.table(
    "certificate",
    sa.column("id", sa.Integer()),
    sa.column("card_id", sa.Integer()),
    sa.column("slot", sa.String()),
    sa.column("serial", sa.String()),
    sa.column("shard", sa.Integer()),
    sa.column("status", sa.String()),
    sa.column("not_before", sa.DateTime(timezone=True)),
    sa.column("revoked_at", sa.DateTime(timezone=True)),
    sa.column("revocation_reason", sa.String()),
)
card = sa.table(
    "card",
    sa.column("status", sa.String()),
    sa.column("suspended_at", sa.DateTime(timezone=True)),
    sa.column("modified_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.create_table(
        "revocation_list",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by", sa.String(length=64), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_revocation_list")),
    )
    with op.batch_alter_table("card") as batch_op:
        batch_op.add_column(sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_card_suspended",
            ["suspended_at"],
            sqlite_where=SUSPENDED,
            postgresql_where=SUSPENDED,
        )
    op.execute(
        card.update().where(card.c.status == "suspended").values(suspended_at=card.c.modified_at)
    )
    with op.batch_alter_table("certificate") as batch_op:
        batch_op.add_column(sa.Column("shard", sa.Integer(), nullable=True))
    give_shards()
    superseded_are_revoked()
    states_of_certificates(WORDS)
    with op.batch_alter_table("certificate") as batch_op:
        batch_op.alter_column("shard", existing_type=sa.Integer(), nullable=False)
        batch_op.create_index(
            "ix_certificate_not_good",
            ["issuer", "shard", "not_after", "revoked_at", "status", "id"],
            sqlite_where=NOT_GOOD,
            postgresql_where=NOT_GOOD,
        )


def downgrade() -> None:
    with op.batch_alter_table("certificate") as batch_op:
        batch_op.drop_index("ix_certificate_not_good")
        batch_op.drop_column("shard")
    states_of_certificates(WORDS_BEFORE)
    with op.batch_alter_table("card") as batch_op:
        batch_op.drop_index("ix_card_suspended")
        batch_op.drop_column("suspended_at")
    op.drop_table("revocation_list")


def give_shards() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.select(certificate.c.id, certificate.c.serial)).all()
    if rows:
        connection.execute(
            certificate.update()
            .where(certificate.c.id == sa.bindparam("row"))
            .values(shard=sa.bindparam("part")),
            [{"row": number, "part": int(serial[-2:], 16)} for number, serial in rows],
        )


def superseded_are_revoked() -> None:
    """Say since when: since the oldest newer certificate of the same card and slot is good."""
    newer = certificate.alias()
    replaced_at = (
        sa.select(sa.func.min(newer.c.not_before))
        .where(
            newer.c.card_id == certificate.c.card_id,
            newer.c.slot == certificate.c.slot,
            newer.c.id > certificate.c.id,
        )
        .correlate(certificate)
        .scalar_subquery()
    )
    op.execute(
        certificate.update()
        .where(certificate.c.status == "superseded")
        .values(
            status="revoked",
            revocation_reason="superseded",
            revoked_at=sa.func.coalesce(replaced_at, certificate.c.not_before),
        )
    )


def states_of_certificates(words: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("certificate") as batch_op:
        batch_op.drop_constraint(op.f("ck_certificate_status"), type_="check")
        batch_op.alter_column(
            "status",
            existing_type=sa.String(),
            type_=sa.String(length=max(map(len, words))),
            existing_nullable=False,
        )
        batch_op.create_check_constraint(op.f("ck_certificate_status"), f"status IN ({listed})")
