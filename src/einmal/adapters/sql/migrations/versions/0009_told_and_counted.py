"""What was told on the phone, what each attempt asked and got, what is counted by day, and which week was reported."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    where = sa.text("conversation_id IS NOT NULL")
    columns = ["tenant_id", "conversation_id", "served_id"]
    op.create_index("function_calls_call_index", "function_calls", columns, sqlite_where=where, postgresql_where=where)
    op.add_column("attempts", sa.Column("asked", sa.JSON()))
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


def downgrade() -> None:
    op.drop_table("weekly_reports")
    op.drop_table("tallies")
    op.drop_column("attempts", "received")
    op.drop_column("attempts", "asked")
    op.drop_index("function_calls_call_index", "function_calls")
    op.drop_table("function_calls")
