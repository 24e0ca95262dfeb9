"""sessions end with their certificates

A session is over when its card's certificates expire. That another card was found in its seat was
never a reason: a card that is taken out ends its session at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "sessions_end_with_certificates"
down_revision = "expiry_reminders"
branch_labels = None
depends_on = None

KEPT = (
    "signed-out", "card-removed", "presence-lost", "idle", "total", "card-cancelled",
    "card-suspended", "account-closed", "workstation-blocked", "replaced",
)  # fmt: skip
BEFORE, ENDS = ("card-changed", *KEPT), ("card-expired", *KEPT)


def upgrade() -> None:
    ends_of_sessions(ENDS, instead={"card-changed": "card-removed"})


def downgrade() -> None:
    ends_of_sessions(BEFORE, instead={"card-expired": "presence-lost"})


def ends_of_sessions(words: tuple[str, ...], *, instead: dict[str, str]) -> None:
    """Say with which words a session may be over, and what is said for one that is none now."""
    session = sa.table("session", sa.column("end_reason", sa.String()))
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("session") as batch_op:
        batch_op.drop_constraint(op.f("ck_session_end_reason"), type_="check")
    for old, new in instead.items():
        op.execute(session.update().where(session.c.end_reason == old).values(end_reason=new))
    with op.batch_alter_table("session") as batch_op:
        batch_op.create_check_constraint(op.f("ck_session_end_reason"), f"end_reason IN ({listed})")
