"""When a doubt began, how often it was looked at, and when to look next: recovery's work queue."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DUE = sa.text("state IN ('sent', 'doubt')")


def upgrade() -> None:
    op.add_column("intents", sa.Column("doubted_at", sa.String()))
    op.add_column("intents", sa.Column("not_ours", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("intents", sa.Column("looks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("intents", sa.Column("look_at", sa.String()))
    op.create_index("intents_due_index", "intents", ["look_at"], sqlite_where=DUE, postgresql_where=DUE)
    # What was unresolved when nobody looked is due at once; its window starts with its last deadline.
    op.execute(
        "UPDATE intents SET look_at = send_deadline, doubted_at = CASE state WHEN 'doubt' THEN send_deadline END "
        "WHERE state IN ('sent', 'doubt')"
    )


def downgrade() -> None:
    op.drop_index("intents_due_index", "intents")
    for column in ("look_at", "looks", "not_ours", "doubted_at"):
        op.drop_column("intents", column)
