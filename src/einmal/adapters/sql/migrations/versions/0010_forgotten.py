"""What names a person is forgotten: of intents and call-backs when it was, and how what is due is found."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


DUE = (
    ("intents_forget_index", "intents", ["tenant_id", "start_at"], "forgotten_at IS NULL"),
    ("callbacks_forget_index", "callbacks", ["tenant_id", "done_at"], "done_at IS NOT NULL AND forgotten_at IS NULL"),
    ("function_calls_heard_index", "function_calls", ["tenant_id", "at"], "heard IS NOT NULL"),
)


def upgrade() -> None:
    op.add_column("intents", sa.Column("forgotten_at", sa.String()))
    op.add_column("callbacks", sa.Column("forgotten_at", sa.String()))
    for name, table, columns, where in DUE:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _columns, _where in DUE:
        op.drop_index(name, table)
    op.drop_column("callbacks", "forgotten_at")
    op.drop_column("intents", "forgotten_at")
