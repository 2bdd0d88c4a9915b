"""What runs behind: news, what the outside told, what was compared, told, counted and asked before."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from einmal.adapters.sql.schema.bookings import intents
from einmal.adapters.sql.schema.metadata import (
    metadata,
)

callbacks = Table(
    # Somebody wants to be called back: nobody's appointment, and nobody's doubt.
    "callbacks",
    metadata,
    Column("callback_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("conversation_id", String),
    Column("person_name", String),
    Column("person_phone", String),
    Column("note", String),
    Column("wanted", String),
    Column("created_at", String, nullable=False),
    Column("done_at", String),
    Column("forgotten_at", String),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index(
    "callbacks_open_index",
    callbacks.c.tenant_id,
    callbacks.c.created_at,
    sqlite_where=text("done_at IS NULL"),
    postgresql_where=text("done_at IS NULL"),
)

facts = Table(
    "facts",
    metadata,
    Column("fact_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("intent_id", String),
    Column("at", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("data", JSON, nullable=False),
)
Index("facts_intent_index", facts.c.intent_id)
Index(
    # What the layers refused, by time: it is asked of at each look at the metrics.
    "facts_rejected_index",
    facts.c.at,
    sqlite_where=text("kind = 'rejected'"),
    postgresql_where=text("kind = 'rejected'"),
)

calendar_gates = Table(
    # The rate budget and the breaker of one Cal.com key, shared by all processes.
    "calendar_gates",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("tokens", Float),
    Column("writes_failed", Integer, nullable=False),
    Column("reads_failed", Integer, nullable=False),
    Column("open_until", String),
    Column("probing_until", String),
    Column("blocked_until", String),
)

sweeps = Table(
    # How far the calendar's changes have been read, by its own clock, and when to read on.
    "sweeps",
    metadata,
    Column("tenant_id", String, primary_key=True),
    Column("swept_until", String),
    Column("due_at", String, nullable=False),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)

outbox = Table(
    # What was promised: a row for each message and channel, until it is sent. What it says is read when it goes.
    "outbox",
    metadata,
    Column("message_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("tenant_id", String, nullable=False),
    # One of the two tells what it is about.
    Column("intent_id", String),
    Column("callback_id", String),
    Column("kind", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("due_at", String),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent_at", String),
    PrimaryKeyConstraint("message_id", "channel"),
    ForeignKeyConstraint(["intent_id"], ["intents.intent_id"]),
    ForeignKeyConstraint(["callback_id"], ["callbacks.callback_id"], name="outbox_callback_id_fkey"),
)
Index(
    "outbox_due_index",
    outbox.c.due_at,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)

inbox = Table(
    # What the outside told, once for each content, until it is handled. `data` holds ids and times, nobody's name.
    "inbox",
    metadata,
    Column("inbox_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("source", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("event", String, nullable=False),
    Column("subject", String),
    Column("data", JSON, nullable=False),
    Column("received_at", String, nullable=False),
    Column("times", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", String),
    Column("handled_at", String),
    Column("outcome", String),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    UniqueConstraint("tenant_id", "source", "digest", name="unique_inbox_content"),
)
for _name, _columns, _where in (
    ("inbox_due_index", (inbox.c.due_at,), "due_at IS NOT NULL"),
    ("inbox_subject_index", (inbox.c.tenant_id, inbox.c.subject), "due_at IS NOT NULL"),
    ("inbox_handled_index", (inbox.c.handled_at,), "handled_at IS NOT NULL"),
):
    Index(_name, *_columns, sqlite_where=text(_where), postgresql_where=text(_where))

reconciliations = Table(
    # How far a comparison with the calendar has come. `cursor` is what the phase goes on from.
    "reconciliations",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("phase", String, nullable=False),
    Column("since", String, nullable=False),
    Column("cursor", String, nullable=False),
    Column("changed_until", String),
    Column("counts", JSON, nullable=False),
    Column("began_at", String, nullable=False),
    Column("ended_at", String),
    Column("leased_until", String, nullable=False),
    Column("steps", Integer, nullable=False),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index(
    "unique_open_reconciliation",
    reconciliations.c.tenant_id,
    unique=True,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)
Index("reconciliations_tenant_index", reconciliations.c.tenant_id, reconciliations.c.began_at)

drifts = Table(
    # What ledger and calendar do not agree about, from when it was first seen until it is so no longer.
    "drifts",
    metadata,
    Column("tenant_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("intent_id", String),
    Column("detail", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("first_seen_at", String, nullable=False),
    Column("last_seen_at", String, nullable=False),
    Column("ended_at", String),
    PrimaryKeyConstraint("tenant_id", "kind", "subject"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index(
    "drifts_open_index",
    drifts.c.tenant_id,
    drifts.c.last_seen_at,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

system_audit_log = Table(
    # What a person's repair changed, whole as it was before.
    "system_audit_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("event_type", String, nullable=False),
    Column("description", String, nullable=False),
    Column("data", JSON, nullable=False),
    Column("created_at", String, nullable=False),
)

function_calls = Table(
    # What was asked of us on the phone and what was told, written a moment later: evidence, and no promise.
    "function_calls",
    metadata,
    Column("served_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("conversation_id", String),
    Column("at", String, nullable=False),
    Column("adapter", String, nullable=False),
    Column("function", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("heard", String),
    Column("elapsed_ms", Integer, nullable=False),
    Column("error_id", String),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index(
    "function_calls_call_index",
    function_calls.c.tenant_id,
    function_calls.c.conversation_id,
    function_calls.c.served_id,
    sqlite_where=text("conversation_id IS NOT NULL"),
    postgresql_where=text("conversation_id IS NOT NULL"),
)

tallies = Table(
    # What the weekly report counts and no row tells: by day in UTC, all processes together. `total` adds up seconds.
    "tallies",
    metadata,
    Column("day", String, nullable=False),
    Column("what", String, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("total", Float, nullable=False),
    PrimaryKeyConstraint("day", "what"),
)

weekly_reports = Table(
    # Which week's report has gone out on which channel; one process sends it.
    "weekly_reports",
    metadata,
    Column("week", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("due_at", String),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent_at", String),
    PrimaryKeyConstraint("week", "channel"),
)

for _name, _columns, _where in (
    # What belongs to one intent, or to one call, for whoever asks what became of it.
    ("inbox_story_index", (inbox.c.tenant_id, inbox.c.subject), "subject IS NOT NULL"),
    ("callbacks_call_index", (callbacks.c.tenant_id, callbacks.c.conversation_id), "conversation_id IS NOT NULL"),
    ("outbox_intent_index", (outbox.c.intent_id,), "intent_id IS NOT NULL"),
):
    Index(_name, *_columns, sqlite_where=text(_where), postgresql_where=text(_where))

idempotency_keys = Table(
    # What a client called its request, what it asked and what it was answered, until that may be forgotten.
    "idempotency_keys",
    metadata,
    Column("tenant_id", String, nullable=False),
    Column("key_hash", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("claimed_until", String),
    Column("status", Integer),
    Column("answer", String),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    PrimaryKeyConstraint("tenant_id", "key_hash"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index("idempotency_keys_expiry_index", idempotency_keys.c.expires_at)
Index("drifts_seen_index", drifts.c.first_seen_at)
for _name, _columns, _where in (
    # Who is to be forgotten next, tenant by tenant, longest over first.
    ("intents_forget_index", (intents.c.tenant_id, intents.c.start_at), "forgotten_at IS NULL"),
    (
        "callbacks_forget_index",
        (callbacks.c.tenant_id, callbacks.c.done_at),
        "done_at IS NOT NULL AND forgotten_at IS NULL",
    ),
    ("function_calls_heard_index", (function_calls.c.tenant_id, function_calls.c.at), "heard IS NOT NULL"),
):
    Index(_name, *_columns, sqlite_where=text(_where), postgresql_where=text(_where))
