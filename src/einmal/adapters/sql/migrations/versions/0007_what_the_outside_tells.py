"""What the outside tells: the inbox, verification of new appointments, reconciliation and what it found, provenance."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AUDIT = "system_audit_log"


def _index(name: str, table: str, columns: list[str], where: str | None = None, *, unique: bool = False) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    op.add_column("appointments", sa.Column("verify_at", sa.String()))
    _index("appointments_verify_index", "appointments", ["verify_at"], "verify_at IS NOT NULL")
    op.add_column("intents", sa.Column("imported_from", sa.String()))
    _index("unique_import", "intents", ["tenant_id", "imported_from"], "imported_from IS NOT NULL", unique=True)
    _inbox()
    _reconciliations()
    # Cleaning up duplicates may have made it already, in a ledger of an earlier schema.
    if AUDIT not in sa.inspect(op.get_bind()).get_table_names():
        op.create_table(
            AUDIT,
            sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
            sa.Column("event_type", sa.String(), nullable=False),
            sa.Column("description", sa.String(), nullable=False),
            sa.Column("data", sa.JSON(), nullable=False),
            sa.Column("created_at", sa.String(), nullable=False),
        )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("inbox_id", sa.String(), primary_key=True),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("subject", sa.String()),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.String()),
        sa.Column("handled_at", sa.String()),
        sa.Column("outcome", sa.String()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
        sa.UniqueConstraint("tenant_id", "source", "digest", name="unique_inbox_content"),
    )
    _index("inbox_due_index", "inbox", ["due_at"], "due_at IS NOT NULL")
    _index("inbox_subject_index", "inbox", ["tenant_id", "subject"], "due_at IS NOT NULL")
    _index("inbox_handled_index", "inbox", ["handled_at"], "handled_at IS NOT NULL")


def _reconciliations() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("run_id", sa.String(), primary_key=True),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("changed_until", sa.String()),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String()),
        sa.Column("leased_until", sa.String(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    _index("unique_open_reconciliation", "reconciliations", ["tenant_id"], "ended_at IS NULL", unique=True)
    _index("reconciliations_tenant_index", "reconciliations", ["tenant_id", "began_at"])
    op.create_table(
        "drifts",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("intent_id", sa.String()),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.String(), nullable=False),
        sa.Column("last_seen_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String()),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "subject"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    _index("drifts_open_index", "drifts", ["tenant_id", "last_seen_at"], "ended_at IS NULL")


def downgrade() -> None:
    op.drop_table("drifts")
    op.drop_table("reconciliations")
    op.drop_table("inbox")
    # The audit log stays: it is what an undo is made of.
    op.drop_index("unique_import", "intents")
    op.drop_column("intents", "imported_from")
    op.drop_index("appointments_verify_index", "appointments")
    op.drop_column("appointments", "verify_at")
