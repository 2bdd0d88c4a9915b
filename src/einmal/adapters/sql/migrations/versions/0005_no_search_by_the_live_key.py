"""The index that keeps a second live intent out is for nothing else: no planner takes it for a search.

PostgreSQL knows nothing of a table that is empty, and takes the youngest of the indexes that begin with the tenant for
whatever is asked of it. A session keeps the plan that it made then, and reads all of the tenant's rows with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LIVE = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"


def _live_intent(where: str) -> None:
    # In one transaction on both databases: nobody writes while it is missing.
    op.drop_index("unique_live_intent", "intents")
    condition = sa.text(where)
    columns = ["tenant_id", "intent_key"]
    op.create_index(
        "unique_live_intent", "intents", columns, unique=True, sqlite_where=condition, postgresql_where=condition
    )


def upgrade() -> None:
    # No key is empty, and no query says so: the index is not for queries.
    _live_intent(f"intent_key > '' AND {LIVE}")
    # Made last: who asks for an e-mail is not to be answered by name.
    op.drop_index("customers_email_index", "customers")
    op.create_index("customers_email_index", "customers", ["tenant_id", "email"])


def downgrade() -> None:
    _live_intent(LIVE)
