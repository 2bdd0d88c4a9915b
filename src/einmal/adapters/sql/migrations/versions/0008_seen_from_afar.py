"""What each look at the metrics asks is found by an index: what was refused lately, what waits for a person."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


LIVE = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    _index("facts_rejected_index", "facts", ["at"], "kind = 'rejected'")
    _index("intents_escalated_index", "intents", ["tenant_id", "doubted_at"], "state = 'escalated'")
    # Asked for with a word about the start, SQLite searched by that word, and read all that is the tenant's.
    op.drop_index("intents_live_start_index", "intents")
    _index("intents_live_start_index", "intents", ["tenant_id", "start_at"], f"generation > 0 AND {LIVE}")


def downgrade() -> None:
    op.drop_index("intents_live_start_index", "intents")
    _index("intents_live_start_index", "intents", ["tenant_id", "start_at"], f"start_at > '' AND {LIVE}")
    op.drop_index("intents_escalated_index", "intents")
    op.drop_index("facts_rejected_index", "facts")
