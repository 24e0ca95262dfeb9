"""people, cards, sessions, terms, audit and mail

The first version: everything.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_organisation_not_its_own_parent")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organisation.id"], name=op.f("fk_organisation_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("code", name=op.f("uq_organisation_code")),
    )
    with op.batch_alter_table("organisation") as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("to", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("body_text", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    with op.batch_alter_table("outbox_message") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outbox_message_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(
            "ix_outbox_message_waiting",
            ["not_before"],
            unique=False,
            sqlite_where=sa.text("delivered_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL AND failed_at IS NULL"),
        )

    op.create_table(
        "rate_limit",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limit")),
    )
    with op.batch_alter_table("rate_limit") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rate_limit_window_start"), ["window_start"], unique=False
        )

    op.create_table(
        "terms_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_terms_version_version_from_1")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms_version")),
        sa.UniqueConstraint("version", name=op.f("uq_terms_version_version")),
    )
    op.create_table(
        "workstation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thumbprint", sa.String(length=43), nullable=False),
        sa.Column("jwk", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "seen",
                "enrolled",
                "blocked",
                name="status",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workstation")),
        sa.UniqueConstraint("thumbprint", name=op.f("uq_workstation_thumbprint")),
    )
    with op.batch_alter_table("workstation") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_workstation_last_seen_at"), ["last_seen_at"], unique=False
        )

    op.create_table(
        "bridge_connection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("ek", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("workstation_id", sa.Integer(), nullable=False),
        sa.Column("instance", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workstation_id"], ["workstation.id"], name=op.f("fk_bridge_connection_workstation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bridge_connection")),
        sa.UniqueConstraint("sid", name=op.f("uq_bridge_connection_sid")),
    )
    with op.batch_alter_table("bridge_connection") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bridge_connection_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_bridge_connection_workstation_id"), ["workstation_id"], unique=False
        )

    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=20), nullable=False),
        sa.Column("given_name", sa.String(length=100), nullable=False),
        sa.Column("family_name", sa.String(length=100), nullable=False),
        sa.Column("preferred_name", sa.String(length=100), nullable=True),
        sa.Column(
            "given_folded",
            sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "family_folded",
            sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("open", "closed", name="status", native_enum=False, create_constraint=True),
            nullable=False,
        ),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("telephone", sa.String(length=30), nullable=True),
        sa.Column("mobile", sa.String(length=30), nullable=True),
        sa.Column("job_title", sa.String(length=100), nullable=True),
        sa.Column("line_manager_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("nino_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("nino_index", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(uuid) = 12", name=op.f("ck_person_uuid_has_12_digits")),
        sa.CheckConstraint(
            "line_manager_id <> id", name=op.f("ck_person_not_their_own_line_manager")
        ),
        sa.ForeignKeyConstraint(
            ["line_manager_id"], ["person.id"], name=op.f("fk_person_line_manager_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_person_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("nino_index", name=op.f("uq_person_nino_index")),
        sa.UniqueConstraint("uuid", name=op.f("uq_person_uuid")),
    )
    with op.batch_alter_table("person") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_person_family_folded_given_folded_id"),
            ["family_folded", "given_folded", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_person_given_folded_family_folded_id"),
            ["given_folded", "family_folded", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_person_line_manager_id"), ["line_manager_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_person_organisation_id_family_folded_given_folded_id"),
            ["organisation_id", "family_folded", "given_folded", "id"],
            unique=False,
        )

    op.create_table(
        "position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column(
            "source",
            sa.Enum("national", "local", name="source", native_enum=False, create_constraint=True),
            nullable=False,
        ),
        sa.Column(
            "role",
            sa.Enum(
                "ra-manager",
                "advanced-ra-agent",
                "ra-agent",
                "id-checker",
                "sponsor",
                "local-smartcard-administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_position_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position")),
    )
    with op.batch_alter_table("position") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_position_organisation_id_code"), ["organisation_id", "code"], unique=True
        )

    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("position_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            '"end" IS NULL OR "end" >= start', name=op.f("ck_assignment_ends_after_it_starts")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id")),
        sa.ForeignKeyConstraint(
            ["position_id"], ["position.id"], name=op.f("fk_assignment_position_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_assignment_person_id_start"), ["person_id", "start"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_assignment_position_id"), ["position_id"], unique=False
        )

    op.create_table(
        "card",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guid", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=True),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("manufacturer", sa.String(length=100), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("virtual", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "blank",
                "issued",
                "locked",
                "suspended",
                "expired",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("self_renewals_in_row", sa.Integer(), nullable=False),
        sa.Column("management_key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("management_algorithm", sa.String(length=20), nullable=True),
        sa.Column("puk_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("puk_pending_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("passcode_min_length", sa.Integer(), nullable=False),
        sa.Column("passcode_max_length", sa.Integer(), nullable=False),
        sa.Column("passcode_alphabet", sa.String(length=10), nullable=False),
        sa.Column("new_passcode_refused", sa.Boolean(), nullable=False),
        sa.CheckConstraint("status <> 'expired'", name=op.f("ck_card_expired_is_never_stored")),
        sa.CheckConstraint(
            "status IN ('blank', 'cancelled') OR person_id IS NOT NULL",
            name=op.f("ck_card_has_a_holder"),
        ),
        sa.CheckConstraint("length(guid) = 32", name=op.f("ck_card_guid_has_32_digits")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_card_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("guid", name=op.f("uq_card_guid")),
        sa.UniqueConstraint("number", name=op.f("uq_card_number")),
    )
    with op.batch_alter_table("card") as batch_op:
        batch_op.create_index("ix_card_expires_on", ["expires_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_card_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_card_one_per_person",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('issued', 'locked', 'suspended')"),
            postgresql_where=sa.text("status IN ('issued', 'locked', 'suspended')"),
        )

    op.create_table(
        "person_photo",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.String(length=40), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_photo_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_photo")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "done",
                "refused",
                "failed",
                name="outcome",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("actor_person_id", sa.Integer(), nullable=True),
        sa.Column("actor_uuid", sa.String(length=12), nullable=True),
        sa.Column(
            "actor_role",
            sa.Enum(
                "ra-manager",
                "advanced-ra-agent",
                "ra-agent",
                "id-checker",
                "sponsor",
                "local-smartcard-administrator",
                name="actor_role",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.Column("actor_card_id", sa.Integer(), nullable=True),
        sa.Column("subject_person_id", sa.Integer(), nullable=True),
        sa.Column("subject_card_id", sa.Integer(), nullable=True),
        sa.Column("workstation_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("statement", sa.Text(), nullable=True),
        sa.Column("writer", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_card_id"], ["card.id"], name=op.f("fk_audit_event_actor_card_id")
        ),
        sa.ForeignKeyConstraint(
            ["actor_person_id"], ["person.id"], name=op.f("fk_audit_event_actor_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["subject_card_id"], ["card.id"], name=op.f("fk_audit_event_subject_card_id")
        ),
        sa.ForeignKeyConstraint(
            ["subject_person_id"], ["person.id"], name=op.f("fk_audit_event_subject_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["workstation_id"], ["workstation.id"], name=op.f("fk_audit_event_workstation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("audit_event") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_event_actor_person_id_id"), ["actor_person_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_audit_event_subject_card_id_id"), ["subject_card_id", "id"], unique=False
        )
        batch_op.create_index(
            "ix_audit_event_subject_covering",
            ["subject_person_id", "id", "at", "event", "outcome", "actor_person_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_audit_event_writer_sequence"), ["writer", "sequence"], unique=True
        )

    op.create_table(
        "card_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=2), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "current",
                "superseded",
                name="state",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("algorithm", sa.String(length=10), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("jkt", sa.String(length=43), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_card_key_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_key")),
    )
    with op.batch_alter_table("card_key") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_card_key_card_id_slot_state"), ["card_id", "slot", "state"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_card_key_jkt"), ["jkt"], unique=False)
        batch_op.create_index(
            "uq_card_key_current",
            ["card_id", "slot"],
            unique=True,
            sqlite_where=sa.text("state = 'current'"),
            postgresql_where=sa.text("state = 'current'"),
        )

    op.create_table(
        "session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=True),
        sa.Column("guid", sa.String(length=32), nullable=False),
        sa.Column("seat", sa.String(length=64), nullable=False),
        sa.Column("bridge_instance", sa.String(length=64), nullable=False),
        sa.Column("workstation_id", sa.Integer(), nullable=True),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_presence_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "end_reason",
            sa.Enum(
                "signed-out",
                "card-removed",
                "card-changed",
                "presence-lost",
                "idle",
                "total",
                "card-cancelled",
                "card-suspended",
                "account-closed",
                "replaced",
                name="end_reason",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name=op.f("fk_session_assignment_id")
        ),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_session_card_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_session_person_id")),
        sa.ForeignKeyConstraint(
            ["workstation_id"], ["workstation.id"], name=op.f("fk_session_workstation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_session_token_digest")),
    )
    with op.batch_alter_table("session") as batch_op:
        batch_op.create_index(
            "ix_session_running_card",
            ["card_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "ix_session_running_person",
            ["person_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_session_started_at"), ["started_at"], unique=False)

    op.create_table(
        "card_operation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "waiting",
                "done",
                "refused",
                "failed",
                "abandoned",
                name="state",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("actor_person_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=True),
        sa.Column("seat", sa.String(length=64), nullable=True),
        sa.Column("nonce", sa.String(length=64), nullable=True),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_person_id"], ["person.id"], name=op.f("fk_card_operation_actor_person_id")
        ),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_card_operation_card_id")),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["bridge_connection.id"],
            name=op.f("fk_card_operation_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_card_operation_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["session.id"],
            name=op.f("fk_card_operation_session_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_operation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_card_operation_public_id")),
    )
    with op.batch_alter_table("card_operation") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_card_operation_card_id_started_at"),
            ["card_id", "started_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_card_operation_connection_id"), ["connection_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_card_operation_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_card_operation_session_id"), ["session_id"], unique=False
        )
        batch_op.create_index(
            "ix_card_operation_unfinished",
            ["updated_at"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )

    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=2), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "held",
                "active",
                "superseded",
                "revoked",
                name="status",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revocation_reason", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "(status = 'revoked') = (revoked_at IS NOT NULL)",
            name=op.f("ck_certificate_revoked_has_a_time"),
        ),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_certificate_card_id")),
        sa.ForeignKeyConstraint(["key_id"], ["card_key.id"], name=op.f("fk_certificate_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("serial", name=op.f("uq_certificate_serial")),
    )
    with op.batch_alter_table("certificate") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificate_card_id_slot_status"),
            ["card_id", "slot", "status"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_certificate_key_id"), ["key_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_certificate_status_revoked_at"), ["status", "revoked_at"], unique=False
        )

    op.create_table(
        "terms_acceptance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("terms_id", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_terms_acceptance_card_id")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["card_key.id"], name=op.f("fk_terms_acceptance_key_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_terms_acceptance_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["terms_id"], ["terms_version.id"], name=op.f("fk_terms_acceptance_terms_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms_acceptance")),
    )
    with op.batch_alter_table("terms_acceptance") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_terms_acceptance_person_id_accepted_at"),
            ["person_id", "accepted_at"],
            unique=False,
        )

    op.create_table(
        "card_operation_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=True),
        sa.Column("ticket_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result_digest", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column(
            "answer", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_card_operation_step_number_from_1")),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["card_operation.id"],
            name=op.f("fk_card_operation_step_operation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_operation_step")),
        sa.UniqueConstraint("jti", name=op.f("uq_card_operation_step_jti")),
    )
    with op.batch_alter_table("card_operation_step") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_card_operation_step_operation_id_number"),
            ["operation_id", "number"],
            unique=True,
        )


def downgrade() -> None:
    for table in (
        "card_operation_step",
        "terms_acceptance",
        "certificate",
        "card_operation",
        "session",
        "card_key",
        "audit_event",
        "person_photo",
        "card",
        "assignment",
        "position",
        "person",
        "bridge_connection",
        "workstation",
        "terms_version",
        "rate_limit",
        "outbox_message",
        "organisation",
    ):
        op.drop_table(table)
