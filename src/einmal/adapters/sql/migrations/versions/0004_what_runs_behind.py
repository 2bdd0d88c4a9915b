"""The gate before the calendar, tombstones and their sweeper, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DUE_BEFORE = sa.text("state IN ('sent', 'doubt')")
DUE = sa.text("state IN ('intent', 'sent', 'doubt', 'compensating')")
TOMBSTONE = sa.text("state = 'rejected' AND doubted_at IS NOT NULL")
UNSENT = sa.text("due_at IS NOT NULL")


def _due_index(where: sa.TextClause) -> None:
    op.create_index("intents_due_index", "intents", ["look_at"], sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    op.add_column("intents", sa.Column("promised_at", sa.String()))
    op.drop_index("intents_due_index", "intents")
    _due_index(DUE)
    op.create_index(
        "intents_tombstone_index",
        "intents",
        ["tenant_id", "start_at"],
        sqlite_where=TOMBSTONE,
        postgresql_where=TOMBSTONE,
    )
    op.create_table(
        "calendar_gates",
        sa.Column("account_id", sa.String(), primary_key=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("tokens", sa.Float()),
        sa.Column("writes_failed", sa.Integer(), nullable=False),
        sa.Column("reads_failed", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.String()),
        sa.Column("probing_until", sa.String()),
        sa.Column("blocked_until", sa.String()),
    )
    op.create_table(
        "sweeps",
        sa.Column("tenant_id", sa.String(), primary_key=True),
        sa.Column("swept_until", sa.String()),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("intent_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("due_at", sa.String()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("sent_at", sa.String()),
        sa.PrimaryKeyConstraint("message_id", "channel"),
        sa.ForeignKeyConstraint(["intent_id"], ["intents.intent_id"]),
    )
    op.create_index("outbox_due_index", "outbox", ["due_at"], sqlite_where=UNSENT, postgresql_where=UNSENT)


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("sweeps")
    op.drop_table("calendar_gates")
    op.drop_index("intents_tombstone_index", "intents")
    op.drop_index("intents_due_index", "intents")
    _due_index(DUE_BEFORE)
    op.drop_column("intents", "promised_at")
