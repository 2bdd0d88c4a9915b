"""The schema, as the current code expects it. The migrations lead here; a test holds the two together.

Not imported by the serving process: the hot path speaks SQL itself. Every table is the tenant's first, so
that nothing crosses and so that it can be the distribution key one day. Instants are ISO 8601 in UTC with
milliseconds, fixed width: they sort as text, and a person can read the rows.
"""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData()

LIVE_STATES: Final = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
DUE_STATES: Final = "state IN ('intent', 'sent', 'doubt', 'compensating')"
LIVE_CHANGES: Final = "state IN ('sent', 'doubt', 'escalated')"
LIVE_COMPOSITES: Final = "state IN ('booking', 'booked', 'undoing', 'escalated')"
TOMBSTONE: Final = "state = 'rejected' AND doubted_at IS NOT NULL"

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", String, primary_key=True),
    Column("name", String, nullable=False),
    # The key of its hashes: as it is, or sealed by a key that is not in here.
    Column("hash_key", LargeBinary),
    Column("created_at", String, nullable=False),
    Column("hash_key_sealed", String),
    CheckConstraint("(hash_key IS NULL) <> (hash_key_sealed IS NULL)", name="one_hash_key"),
)

services = Table(
    "services",
    metadata,
    Column("tenant_id", String, nullable=False),
    Column("service_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("event_type_id", BigInteger, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    Column("aliases", JSON, nullable=False),
    PrimaryKeyConstraint("tenant_id", "service_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)

customers = Table(
    "customers",
    metadata,
    Column("customer_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("name_normal", String, nullable=False),
    Column("phone", String),
    Column("email", String),
    Column("created_at", String, nullable=False),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    CheckConstraint("email <> '' AND phone <> ''", name="absent_is_null"),
)
Index(
    "unique_customer_phone",
    customers.c.tenant_id,
    customers.c.phone,
    unique=True,
    sqlite_where=text("phone IS NOT NULL"),
    postgresql_where=text("phone IS NOT NULL"),
)
Index("customers_email_index", customers.c.tenant_id, customers.c.email)
Index("customers_name_index", customers.c.tenant_id, customers.c.name_normal)

calls = Table(
    "calls",
    metadata,
    Column("tenant_id", String, nullable=False),
    Column("call_id", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("agent_id", String),
    Column("first_seen_at", String, nullable=False),
    Column("direction", String),
    Column("started_at", String),
    Column("ended_at", String),
    Column("disconnection_reason", String),
    Column("analyzed_at", String),
    PrimaryKeyConstraint("tenant_id", "call_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)
Index(
    # Those whose end nobody has told yet, oldest first.
    "calls_open_index",
    calls.c.first_seen_at,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

intents = Table(
    "intents",
    metadata,
    Column("intent_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("operation_id", String, nullable=False),
    Column("intent_key", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("person_kind", String, nullable=False),
    Column("person_hash", String, nullable=False),
    Column("name_hash", String, nullable=False),
    Column("conversation_id", String),
    Column("service_id", String, nullable=False),
    Column("service_name", String, nullable=False),
    Column("event_type_id", BigInteger, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    Column("start_at", String, nullable=False),
    Column("person_name", String),
    Column("person_phone", String),
    Column("person_email", String),
    Column("staff", String),
    Column("attendee_email", String, nullable=False),
    Column("state", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("created_at", String, nullable=False),
    Column("sent_at", String),
    Column("send_deadline", String),
    Column("resolved_at", String),
    Column("booking_uid", String),
    Column("reply", JSON),
    Column("doubted_at", String),
    Column("phone_hash", String),
    Column("email_hash", String),
    Column("not_ours", Integer, nullable=False, server_default="0"),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("look_at", String),
    Column("promised_at", String),
    # Of an appointment that was moved here: the intent it was before, and the operation id that its booking carries.
    Column("moved_from", String),
    Column("carried_id", String),
    # Of an appointment that was taken over from another table: which row it was there.
    Column("imported_from", String),
    # When what names a person was taken out of it.
    Column("forgotten_at", String),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    UniqueConstraint("operation_id", name="unique_operation_id"),
    UniqueConstraint("tenant_id", "intent_key", "generation", name="unique_intent_key_generation"),
    # A 'sent' row without its deadline could never be known to be in doubt.
    CheckConstraint("state <> 'sent' OR (sent_at IS NOT NULL AND send_deadline IS NOT NULL)", name="sent_has_deadline"),
)
Index(
    # For nothing but uniqueness. No key is empty; no query says so, and so none is answered by this index, which a
    # planner that knows nothing of the table yet would take for as good as the right one (migration 0005).
    "unique_live_intent",
    intents.c.tenant_id,
    intents.c.intent_key,
    unique=True,
    sqlite_where=text(f"intent_key > '' AND {LIVE_STATES}"),
    postgresql_where=text(f"intent_key > '' AND {LIVE_STATES}"),
)
for _contact in (intents.c.phone_hash, intents.c.email_hash):
    # Of one phone, and of one e-mail, at most one live intent on a slot, whichever call it came from (I8). By person
    # first: what else somebody has that day is asked at each booking.
    _known_and_live = text(f"{_contact.name} IS NOT NULL AND {LIVE_STATES}")
    Index(
        f"unique_live_wish_of_{_contact.name.partition('_')[0]}",
        intents.c.tenant_id,
        _contact,
        intents.c.start_at,
        intents.c.service_id,
        unique=True,
        sqlite_where=_known_and_live,
        postgresql_where=_known_and_live,
    )
Index(
    # For those who ask for a start, and say so by a word that searches nothing: for others there is a better one.
    "intents_live_start_index",
    intents.c.tenant_id,
    intents.c.start_at,
    sqlite_where=text(f"generation > 0 AND {LIVE_STATES}"),
    postgresql_where=text(f"generation > 0 AND {LIVE_STATES}"),
)
Index(
    "intents_call_index",
    intents.c.tenant_id,
    intents.c.conversation_id,
    sqlite_where=text("conversation_id IS NOT NULL"),
    postgresql_where=text("conversation_id IS NOT NULL"),
)
Index(
    # The work queue of recovery is a state of the ledger: what is due is found here, longest overdue first.
    "intents_due_index",
    intents.c.look_at,
    sqlite_where=text(DUE_STATES),
    postgresql_where=text(DUE_STATES),
)
Index(
    # Told no after a doubt, and watched until after the slot: a booking of ours may still arrive.
    "intents_tombstone_index",
    intents.c.tenant_id,
    intents.c.start_at,
    sqlite_where=text(TOMBSTONE),
    postgresql_where=text(TOMBSTONE),
)

Index(
    # What was moved carries the operation id of what it was.
    "intents_carried_index",
    intents.c.carried_id,
    sqlite_where=text("carried_id IS NOT NULL"),
    postgresql_where=text("carried_id IS NOT NULL"),
)

Index(
    # A row is taken over once, however often the import is begun again.
    "unique_import",
    intents.c.tenant_id,
    intents.c.imported_from,
    unique=True,
    sqlite_where=text("imported_from IS NOT NULL"),
    postgresql_where=text("imported_from IS NOT NULL"),
)

Index(
    # Waiting for a person's ruling, longest first.
    "intents_escalated_index",
    intents.c.tenant_id,
    intents.c.doubted_at,
    sqlite_where=text("state = 'escalated'"),
    postgresql_where=text("state = 'escalated'"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("intent_id", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("answered_at", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("http_status", Integer),
    Column("detail", String, nullable=False),
    Column("booking_uid", String),
    Column("elapsed_ms", Integer, nullable=False),
    # The booking that came back, field by field, for whoever must judge it afterwards. What was asked is the intent.
    Column("received", JSON),
    PrimaryKeyConstraint("intent_id", "epoch"),
    ForeignKeyConstraint(["intent_id"], ["intents.intent_id"]),
)

appointments = Table(
    "appointments",
    metadata,
    Column("appointment_id", String, primary_key=True),
    Column("tenant_id", String, nullable=False),
    Column("intent_id", String, nullable=False),
    Column("customer_id", String, nullable=False),
    Column("service_id", String, nullable=False),
    Column("call_id", String),
    Column("starts_at", String, nullable=False),
    Column("ends_at", String, nullable=False),
    Column("staff", String),
    Column("status", String, nullable=False),
    Column("calcom_v2_booking_id", String),
    Column("confirmed_at", String),
    Column("webhook_data", JSON),
    Column("created_at", String, nullable=False),
    # When it is read once more, so that what was told of it is known to be so; NULL once it was.
    Column("verify_at", String),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    ForeignKeyConstraint(["intent_id"], ["intents.intent_id"]),
    ForeignKeyConstraint(["customer_id"], ["customers.customer_id"]),
    UniqueConstraint("intent_id", name="unique_appointment_intent"),
)
# Layer 4. NULLs are free. It is a migration of its own, so that it can be taken down in an emergency.
Index("unique_calcom_v2_booking_id", appointments.c.calcom_v2_booking_id, unique=True)
Index("appointments_customer_index", appointments.c.customer_id)
Index(
    "appointments_verify_index",
    appointments.c.verify_at,
    sqlite_where=text("verify_at IS NOT NULL"),
    postgresql_where=text("verify_at IS NOT NULL"),
)

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
