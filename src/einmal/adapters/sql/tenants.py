"""The tenant's row: made at the first start, read at every other, and its services written beside it."""

import json
import secrets
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from einmal.adapters.sql.rows import instant_text
from einmal.adapters.sql.sqlite import connect
from einmal.domain.model import Service

HASH_KEY_BYTES: Final = 32


def ensure_tenant(path: Path, tenant_id: str, name: str, services: Sequence[Service], now: datetime) -> bytes:
    """Write the tenant and its services; return the key of its hashes, which is made once and kept.

    With another key the same wish would have another intent key, and a repeat would book again.
    """
    connection = connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO tenants (tenant_id, name, hash_key, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name",
            (tenant_id, name, secrets.token_bytes(HASH_KEY_BYTES), instant_text(now)),
        )
        _write_services(connection, tenant_id, services)
        row = connection.execute("SELECT hash_key FROM tenants WHERE tenant_id = ?", (tenant_id,)).fetchone()
        connection.execute("COMMIT")
        return bytes(row[0])
    finally:
        connection.close()


def known_services(path: Path, tenant_id: str) -> tuple[Service, ...]:
    """The services as they were written at an earlier start; none at the first."""
    connection = connect(path)
    try:
        rows = connection.execute(
            "SELECT service_id, name, event_type_id, duration_minutes, aliases FROM services "
            "WHERE tenant_id = ? ORDER BY service_id",
            (tenant_id,),
        ).fetchall()
        return tuple(
            Service(service_id, name, event_type_id, minutes, tuple(json.loads(aliases)))
            for service_id, name, event_type_id, minutes, aliases in rows
        )
    finally:
        connection.close()


def _write_services(connection: sqlite3.Connection, tenant_id: str, services: Sequence[Service]) -> None:
    for service in services:
        connection.execute(
            "INSERT INTO services (tenant_id, service_id, name, event_type_id, duration_minutes, aliases) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, service_id) DO UPDATE SET name = excluded.name, "
            "event_type_id = excluded.event_type_id, duration_minutes = excluded.duration_minutes, "
            "aliases = excluded.aliases",
            (
                tenant_id,
                service.service_id,
                service.name,
                service.event_type_id,
                service.duration_minutes,
                json.dumps(service.aliases, ensure_ascii=False),
            ),
        )
