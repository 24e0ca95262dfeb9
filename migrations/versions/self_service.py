"""self service

Who is registered, their answers, what they began, and codes that were mailed. A message with a
secret is sealed while it waits, and one that is urgent says until when it is of use.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "self_service"
down_revision = "sessions_end_with_certificates"
branch_labels = None
depends_on = None

LIVE = sa.text("ended_at IS NULL")
UNJUDGED = sa.text("failed_attempts > 0 AND blocked_at IS NULL")
URGENT = sa.text("until IS NOT NULL AND delivered_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "one_time_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "registration",
                "email",
                "unlock",
                name="purpose",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("sent_to", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outbox_message_id", sa.Integer(), nullable=True),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_by",
            sa.Enum(
                "used",
                "superseded",
                "too-many",
                "given-up",
                name="ended_by",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)",
            name=op.f("ck_one_time_code_ended_by_something"),
        ),
        sa.CheckConstraint("wrong_tries >= 0", name=op.f("ck_one_time_code_wrong_tries_from_0")),
        sa.ForeignKeyConstraint(
            ["outbox_message_id"],
            ["outbox_message.id"],
            name=op.f("fk_one_time_code_outbox_message_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_one_time_code_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_code")),
        sa.UniqueConstraint("ref", name=op.f("uq_one_time_code_ref")),
    )
    op.create_index(op.f("ix_one_time_code_created_at"), "one_time_code", ["created_at"])
    op.create_index(
        "ix_one_time_code_live",
        "one_time_code",
        ["person_id", "purpose"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_index(
        op.f("ix_one_time_code_outbox_message_id"), "one_time_code", ["outbox_message_id"]
    )
    op.create_index(
        op.f("ix_one_time_code_person_id_purpose_id"),
        "one_time_code",
        ["person_id", "purpose", "id"],
    )

    op.create_table(
        "self_service",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("questions_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "asked",
            sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.CheckConstraint(
            "failed_attempts >= 0", name=op.f("ck_self_service_failed_attempts_from_0")
        ),
        sa.CheckConstraint(
            "registered_at IS NULL OR email IS NOT NULL",
            name=op.f("ck_self_service_registered_with_an_address"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_self_service_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_service")),
        sa.UniqueConstraint("person_id", name=op.f("uq_self_service_person_id")),
    )
    op.create_index(
        "ix_self_service_unjudged",
        "self_service",
        ["attempted_at"],
        sqlite_where=UNJUDGED,
        postgresql_where=UNJUDGED,
    )

    op.create_table(
        "security_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=36), nullable=False),
        sa.Column("self_service_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=40), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["self_service_id"],
            ["self_service.id"],
            name=op.f("fk_security_answer_self_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_answer")),
        sa.UniqueConstraint("ref", name=op.f("uq_security_answer_ref")),
    )
    op.create_index(
        op.f("ix_security_answer_self_service_id_question"),
        "security_answer",
        ["self_service_id", "question"],
        unique=True,
    )

    op.create_table(
        "self_service_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "change",
            sa.Enum(
                "register",
                "questions",
                "email",
                name="change",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "questions",
            sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("answers_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("proven_session_id", sa.Integer(), nullable=True),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_self_service_draft_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["proven_session_id"],
            ["session.id"],
            name=op.f("fk_self_service_draft_proven_session_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_service_draft")),
        sa.UniqueConstraint("ref", name=op.f("uq_self_service_draft_ref")),
    )
    op.create_index(
        op.f("ix_self_service_draft_person_id_change"),
        "self_service_draft",
        ["person_id", "change"],
        unique=True,
    )
    op.create_index(
        op.f("ix_self_service_draft_proven_session_id"), "self_service_draft", ["proven_session_id"]
    )
    op.create_index(op.f("ix_self_service_draft_updated_at"), "self_service_draft", ["updated_at"])

    op.add_column("outbox_message", sa.Column("ref", sa.String(length=36), nullable=True))
    op.add_column("outbox_message", sa.Column("bodies_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("outbox_message", sa.Column("until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_outbox_message_urgent",
        "outbox_message",
        ["not_before"],
        sqlite_where=URGENT,
        postgresql_where=URGENT,
    )
    op.create_index(op.f("ix_outbox_message_ref"), "outbox_message", ["ref"], unique=True)


def downgrade() -> None:
    op.drop_index(op.f("ix_outbox_message_ref"), "outbox_message")
    op.drop_index("ix_outbox_message_urgent", "outbox_message")
    op.drop_column("outbox_message", "until")
    op.drop_column("outbox_message", "bodies_sealed")
    op.drop_column("outbox_message", "ref")
    op.drop_table("self_service_draft")
    op.drop_table("security_answer")
    op.drop_table("self_service")
    op.drop_index(op.f("ix_one_time_code_outbox_message_id"), "one_time_code")
    op.drop_table("one_time_code")
