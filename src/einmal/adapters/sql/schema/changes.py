"""What is changed, held, and booked in several parts."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    text,
)

from einmal.adapters.sql.schema.metadata import LIVE_CHANGES, LIVE_COMPOSITES, metadata

changes = Table(
    # A cancel or a move of one booking of ours. `successor_id` is the intent that it becomes where it is moved.
    "changes",
    metadata,
    Column("change_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("intent_id", String, nullable=False),
    Column("successor_id", String),
    Column("conversation_id", String),
    Column("booking_uid", String, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("send_deadline", String, nullable=False),
    Column("sends", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("look_at", String),
    Column("doubted_at", String),
    Column("resolved_at", String),
    Column("promised_at", String),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    ForeignKeyConstraint(["intent_id"], ["intents.intent_id"]),
    ForeignKeyConstraint(["successor_id"], ["intents.intent_id"]),
)
Index(
    # Two changes of one booking at once are two bookings.
    "unique_live_change",
    changes.c.intent_id,
    unique=True,
    sqlite_where=text(LIVE_CHANGES),
    postgresql_where=text(LIVE_CHANGES),
)
Index("changes_intent_index", changes.c.intent_id)
Index(
    "changes_call_index",
    changes.c.tenant_id,
    changes.c.conversation_id,
    sqlite_where=text("conversation_id IS NOT NULL"),
    postgresql_where=text("conversation_id IS NOT NULL"),
)
Index("changes_successor_index", changes.c.successor_id)
Index(
    "changes_due_index",
    changes.c.look_at,
    sqlite_where=text("look_at IS NOT NULL"),
    postgresql_where=text("look_at IS NOT NULL"),
)

holds = Table(
    # A slot that somebody on the phone thinks about. `resources` are those of whom one must be free for it.
    "holds",
    metadata,
    Column("hold_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("conversation_id", String, nullable=False),
    Column("service_id", String, nullable=False),
    Column("event_type_id", BigInteger, nullable=False),
    Column("resources", JSON, nullable=False),
    Column("start_at", String, nullable=False),
    Column("end_at", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("reservation_uid", String),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index("holds_tenant_index", holds.c.tenant_id, holds.c.expires_at)

composites = Table(
    # One appointment of several bookings. Each of its segments is an intent of its own.
    "composites",
    metadata,
    Column("composite_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("conversation_id", String),
    Column("composite_key", String, nullable=False),
    Column("service_id", String, nullable=False),
    Column("service_name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("book_until", String, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("look_at", String),
    Column("promised_at", String),
    Column("resolved_at", String),
    Column("reply", JSON),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index(
    # One wish for a composite is booked once, from however many calls.
    "unique_live_composite",
    composites.c.tenant_id,
    composites.c.composite_key,
    unique=True,
    sqlite_where=text(LIVE_COMPOSITES),
    postgresql_where=text(LIVE_COMPOSITES),
)
Index("composites_key_index", composites.c.tenant_id, composites.c.composite_key)
Index(
    "composites_due_index",
    composites.c.look_at,
    sqlite_where=text("look_at IS NOT NULL"),
    postgresql_where=text("look_at IS NOT NULL"),
)

composite_segments = Table(
    # By intent, because whoever meets one must find the whole. There need be no such intent yet.
    "composite_segments",
    metadata,
    Column("intent_id", String, primary_key=True),
    Column("composite_id", String, nullable=False),
    Column("event_type_id", BigInteger, nullable=False),
    Column("start_at", String, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    ForeignKeyConstraint(["composite_id"], ["composites.composite_id"]),
)
Index("composite_segments_index", composite_segments.c.composite_id)
