"""Indexes begin with what tells rows apart, not with the tenant: a planner without statistics cannot mistake them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LIVE = sa.text("state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')")
KNOWN = sa.text("phone IS NOT NULL")

INDEXES = (
    ("unique_live_intent", "intents", "intent_key", LIVE),
    ("unique_customer_phone", "customers", "phone", KNOWN),
    ("customers_email_index", "customers", "email", None),
    ("customers_name_index", "customers", "name_normal", None),
)


def _order(columns: "list[str]", name: str, table: str, where: "sa.TextClause | None") -> None:
    # In one transaction on both databases: nobody writes while one of them is missing.
    op.drop_index(name, table)
    op.create_index(name, table, columns, unique=name.startswith("unique"), sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    for name, table, column, where in INDEXES:
        _order([column, "tenant_id"], name, table, where)


def downgrade() -> None:
    for name, table, column, where in INDEXES:
        _order(["tenant_id", column], name, table, where)
