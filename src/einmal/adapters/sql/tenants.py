"""The tenant's row: made at the first start, read at every other, and its services written beside it."""

import json
import secrets
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from einmal.adapters.sql.rows import instant_text
from einmal.adapters.sql.sqlite import carried_out, connect
from einmal.adapters.sql.steps import Statement, Steps, Transaction
from einmal.domain.model import Service

HASH_KEY_BYTES: Final = 32

_TENANT: Final = """
    INSERT INTO tenants (tenant_id, name, hash_key, created_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name RETURNING hash_key"""

_SERVICE: Final = """
    INSERT INTO services (tenant_id, service_id, name, event_type_id, duration_minutes, aliases)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, service_id) DO UPDATE SET name = excluded.name,
    event_type_id = excluded.event_type_id, duration_minutes = excluded.duration_minutes, aliases = excluded.aliases"""

_SERVICES: Final = """
    SELECT service_id, name, event_type_id, duration_minutes, aliases FROM services
    WHERE tenant_id = ? ORDER BY service_id"""


def tenant_written(tenant_id: str, name: str, services: Sequence[Service], now: datetime) -> Transaction[bytes]:
    """Write the tenant and its services; return the key of its hashes, which is made once and kept.

    With another key the same wish would have another intent key, and a repeat would book again.
    """

    def work() -> Steps[bytes]:
        made = (tenant_id, name, secrets.token_bytes(HASH_KEY_BYTES), instant_text(now))
        rows = yield Statement(_TENANT, made)
        # What is offered no longer must not come back when the calendar cannot be asked.
        yield Statement("DELETE FROM services WHERE tenant_id = ?", (tenant_id,))
        for service in services:
            aliases = json.dumps(service.aliases, ensure_ascii=False)
            of_calcom = (service.event_type_id, service.duration_minutes)
            yield Statement(_SERVICE, (tenant_id, service.service_id, service.name, *of_calcom, aliases))
        return bytes(rows[0][0])

    return work


def tenants_known() -> Transaction[tuple[str, ...]]:
    def work() -> Steps[tuple[str, ...]]:
        rows = yield Statement("SELECT tenant_id FROM tenants ORDER BY tenant_id", ())
        return tuple(str(row[0]) for row in rows)

    return work


def services_of(tenant_id: str) -> Transaction[tuple[Service, ...]]:
    """The services as they were written at an earlier start; none at the first."""

    def work() -> Steps[tuple[Service, ...]]:
        rows = yield Statement(_SERVICES, (tenant_id,))
        return tuple(
            Service(service_id, name, event_type_id, minutes, tuple(json.loads(aliases)))
            for service_id, name, event_type_id, minutes, aliases in rows
        )

    return work


def ensure_tenant(path: Path, tenant_id: str, name: str, services: Sequence[Service], now: datetime) -> bytes:
    """The same in a file that nobody serves from."""
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        hash_key = carried_out(connection, tenant_written(tenant_id, name, services, now)())
        connection.execute("COMMIT")
        return hash_key
