"""Intents, what was asked and answered for each, and the appointments that came of them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from einmal.adapters.sql.schema.metadata import (
    DUE_STATES,
    LIVE_STATES,
    TOMBSTONE,
    metadata,
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
