"""Recovery's work queue (when a doubt began, when to look next), and phone and e-mail as identities each."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIVE = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
DUE = sa.text("state IN ('sent', 'doubt')")


def upgrade() -> None:
    op.add_column("intents", sa.Column("doubted_at", sa.String()))
    op.add_column("intents", sa.Column("not_ours", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("intents", sa.Column("looks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("intents", sa.Column("look_at", sa.String()))
    op.add_column("intents", sa.Column("phone_hash", sa.String()))
    op.add_column("intents", sa.Column("email_hash", sa.String()))
    op.execute("UPDATE intents SET phone_hash = person_hash WHERE person_kind = 'phone'")
    op.execute("UPDATE intents SET email_hash = person_hash WHERE person_kind = 'email'")
    for contact in ("phone", "email"):
        where = sa.text(f"{contact}_hash IS NOT NULL AND {LIVE}")
        columns = ["tenant_id", "start_at", "service_id", f"{contact}_hash"]
        name = f"unique_live_wish_of_{contact}"
        op.create_index(name, "intents", columns, unique=True, sqlite_where=where, postgresql_where=where)
    op.create_index("intents_due_index", "intents", ["look_at"], sqlite_where=DUE, postgresql_where=DUE)
    # What was unresolved when nobody looked is due at once; its window starts with its last deadline.
    op.execute(
        "UPDATE intents SET look_at = send_deadline, doubted_at = CASE state WHEN 'doubt' THEN send_deadline END "
        "WHERE state IN ('sent', 'doubt')"
    )


def downgrade() -> None:
    op.drop_index("intents_due_index", "intents")
    op.drop_index("unique_live_wish_of_phone", "intents")
    op.drop_index("unique_live_wish_of_email", "intents")
    for column in ("look_at", "looks", "not_ours", "doubted_at", "phone_hash", "email_hash"):
        op.drop_column("intents", column)
