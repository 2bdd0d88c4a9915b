"""What was told on the phone, what came back from each attempt, what is counted by day, and which week was reported."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


STORIES = (
    ("inbox_story_index", "inbox", ["tenant_id", "subject"], "subject IS NOT NULL"),
    ("callbacks_call_index", "callbacks", ["tenant_id", "conversation_id"], "conversation_id IS NOT NULL"),
    ("outbox_intent_index", "outbox", ["intent_id"], "intent_id IS NOT NULL"),
)


def upgrade() -> None:
    for name, table, columns, where in STORIES:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_table(
        "function_calls",
        sa.Column("served_id", sa.String(), primary_key=True),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String()),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("function", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("heard", sa.String()),
        sa.Column("elapsed_ms", sa.Integer(), nullable=False),
        sa.Column("error_id", sa.String()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    in_a_call = sa.text("conversation_id IS NOT NULL")
    columns = ["tenant_id", "conversation_id", "served_id"]
    op.create_index(
        "function_calls_call_index", "function_calls", columns, sqlite_where=in_a_call, postgresql_where=in_a_call
    )
    op.add_column("attempts", sa.Column("received", sa.JSON()))
    op.create_table(
        "tallies",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("day", "what"),
    )
    op.create_table(
        "weekly_reports",
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("due_at", sa.String()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("sent_at", sa.String()),
        sa.PrimaryKeyConstraint("week", "channel"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("claimed_until", sa.String()),
        sa.Column("status", sa.Integer()),
        sa.Column("answer", sa.String()),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_hash"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    op.create_index("idempotency_keys_expiry_index", "idempotency_keys", ["expires_at"])
    op.create_index("drifts_seen_index", "drifts", ["first_seen_at"])


def downgrade() -> None:
    op.drop_index("drifts_seen_index", "drifts")
    op.drop_table("idempotency_keys")
    op.drop_table("weekly_reports")
    op.drop_table("tallies")
    op.drop_column("attempts", "received")
    op.drop_index("function_calls_call_index", "function_calls")
    op.drop_table("function_calls")
    for name, table, _columns, _where in STORIES:
        op.drop_index(name, table)
