"""Whose everything is: tenants, what they offer, their customers, the phone calls."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)

from einmal.adapters.sql.schema.metadata import metadata

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
