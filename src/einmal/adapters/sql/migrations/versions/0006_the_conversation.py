"""What a conversation is made of beside a booking: changes, holds, call-backs, and the call itself from ring to end."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LIVE = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
UNRESOLVED = "state IN ('intent', 'sent', 'doubt', 'escalated')"
LIVE_CHANGES = "state IN ('sent', 'doubt', 'escalated')"
LIVE_COMPOSITES = "state IN ('booking', 'booked', 'undoing', 'escalated')"
OF_CALLS = ("direction", "started_at", "ended_at", "disconnection_reason", "analyzed_at")


def _index(name: str, table: str, columns: list[str], where: str | None = None, *, unique: bool = False) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _contacts(*, by_person: bool) -> None:
    # Of one phone, and of one e-mail, at most one live intent on a slot. In one transaction: nobody writes between.
    for contact in ("phone", "email"):
        name, column = f"unique_live_wish_of_{contact}", f"{contact}_hash"
        op.drop_index(name, "intents")
        slot = ["start_at", "service_id"]
        columns = ["tenant_id", column, *slot] if by_person else ["tenant_id", *slot, column]
        _index(name, "intents", columns, f"{column} IS NOT NULL AND {LIVE}", unique=True)


def upgrade() -> None:
    for name in OF_CALLS:
        op.add_column("calls", sa.Column(name, sa.String()))
    _index("calls_open_index", "calls", ["first_seen_at"], "ended_at IS NULL")
    op.add_column("intents", sa.Column("moved_from", sa.String()))
    op.add_column("intents", sa.Column("carried_id", sa.String()))
    _index("intents_carried_index", "intents", ["carried_id"], "carried_id IS NOT NULL")
    _contacts(by_person=True)
    # For those who ask for one start, and say so: no planner takes it for a search by person or call.
    op.drop_index("intents_live_start_index", "intents")
    _index("intents_live_start_index", "intents", ["tenant_id", "start_at"], f"start_at > '' AND {LIVE}")
    op.drop_index("intents_unresolved_call_index", "intents")
    _index("intents_call_index", "intents", ["tenant_id", "conversation_id"], "conversation_id IS NOT NULL")
    _changes()
    _holds()
    _composites()
    _callbacks()
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("intent_id", existing_type=sa.String(), nullable=True)
        outbox.add_column(sa.Column("callback_id", sa.String()))
        outbox.create_foreign_key("outbox_callback_id_fkey", "callbacks", ["callback_id"], ["callback_id"])


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("change_id", sa.String(), primary_key=True),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("intent_id", sa.String(), nullable=False),
        sa.Column("successor_id", sa.String()),
        sa.Column("conversation_id", sa.String()),
        sa.Column("booking_uid", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("send_deadline", sa.String(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("look_at", sa.String()),
        sa.Column("doubted_at", sa.String()),
        sa.Column("resolved_at", sa.String()),
        sa.Column("promised_at", sa.String()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
        sa.ForeignKeyConstraint(["intent_id"], ["intents.intent_id"]),
        sa.ForeignKeyConstraint(["successor_id"], ["intents.intent_id"]),
    )
    _index("unique_live_change", "changes", ["intent_id"], LIVE_CHANGES, unique=True)
    _index("changes_intent_index", "changes", ["intent_id"])
    _index("changes_call_index", "changes", ["tenant_id", "conversation_id"], "conversation_id IS NOT NULL")
    _index("changes_successor_index", "changes", ["successor_id"])
    _index("changes_due_index", "changes", ["look_at"], "look_at IS NOT NULL")


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.String(), primary_key=True),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("service_id", sa.String(), nullable=False),
        sa.Column("event_type_id", sa.BigInteger(), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("start_at", sa.String(), nullable=False),
        sa.Column("end_at", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("reservation_uid", sa.String()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    _index("holds_tenant_index", "holds", ["tenant_id", "expires_at"])


def _composites() -> None:
    op.create_table(
        "composites",
        sa.Column("composite_id", sa.String(), primary_key=True),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String()),
        sa.Column("composite_key", sa.String(), nullable=False),
        sa.Column("service_id", sa.String(), nullable=False),
        sa.Column("service_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("book_until", sa.String(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("look_at", sa.String()),
        sa.Column("promised_at", sa.String()),
        sa.Column("resolved_at", sa.String()),
        sa.Column("reply", sa.JSON()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    _index("unique_live_composite", "composites", ["tenant_id", "composite_key"], LIVE_COMPOSITES, unique=True)
    _index("composites_key_index", "composites", ["tenant_id", "composite_key"])
    _index("composites_due_index", "composites", ["look_at"], "look_at IS NOT NULL")
    op.create_table(
        "composite_segments",
        sa.Column("intent_id", sa.String(), primary_key=True),
        sa.Column("composite_id", sa.String(), nullable=False),
        sa.Column("event_type_id", sa.BigInteger(), nullable=False),
        sa.Column("start_at", sa.String(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["composite_id"], ["composites.composite_id"]),
    )
    _index("composite_segments_index", "composite_segments", ["composite_id"])


def _callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("callback_id", sa.String(), primary_key=True),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String()),
        sa.Column("person_name", sa.String()),
        sa.Column("person_phone", sa.String()),
        sa.Column("note", sa.String()),
        sa.Column("wanted", sa.String()),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("done_at", sa.String()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    )
    _index("callbacks_open_index", "callbacks", ["tenant_id", "created_at"], "done_at IS NULL")


def downgrade() -> None:
    # What is owed about a call-back is not thrown away silently.
    halves = op.get_bind().execute(sa.text(f"SELECT count(*) FROM composites WHERE {LIVE_COMPOSITES}")).scalar()  # noqa: S608 - constants only
    owed = op.get_bind().execute(sa.text("SELECT count(*) FROM outbox WHERE intent_id IS NULL")).scalar()
    moved = op.get_bind().execute(sa.text("SELECT count(*) FROM intents WHERE moved_from IS NOT NULL")).scalar()
    if owed or moved or halves:
        raise RuntimeError(
            "the ledger holds moved appointments, composites or call-backs, which the older schema cannot hold"
        )
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_constraint("outbox_callback_id_fkey", type_="foreignkey")
        outbox.drop_column("callback_id")
        outbox.alter_column("intent_id", existing_type=sa.String(), nullable=False)
    op.drop_table("callbacks")
    op.drop_table("composite_segments")
    op.drop_table("composites")
    op.drop_table("holds")
    op.drop_table("changes")
    op.drop_index("intents_call_index", "intents")
    _index("intents_unresolved_call_index", "intents", ["tenant_id", "conversation_id"], UNRESOLVED)
    op.drop_index("intents_live_start_index", "intents")
    _index("intents_live_start_index", "intents", ["tenant_id", "start_at"], LIVE)
    _contacts(by_person=False)
    op.drop_index("intents_carried_index", "intents")
    op.drop_column("intents", "carried_id")
    op.drop_column("intents", "moved_from")
    op.drop_index("calls_open_index", "calls")
    for name in reversed(OF_CALLS):
        op.drop_column("calls", name)
