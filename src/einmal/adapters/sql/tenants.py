"""The tenant's row: made at the first start, read at every other, and its services written beside it.

In the row lies the key of the tenant's hashes. Plain beside the hashes that it keys it would keep out nobody who has a
dump of the ledger, and so it lies sealed wherever a key to seal it with is set.
"""

import json
import secrets
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from einmal.adapters.sql.rows import instant_text
from einmal.adapters.sql.sqlite import carried_out, connect
from einmal.adapters.sql.steps import FOR_UPDATE, Row, Statement, Steps, Transaction
from einmal.domain.model import Service
from einmal.ports import LedgerUnavailable
from einmal.sealed import CannotOpen, Keyring

HASH_KEY_BYTES: Final = 32

_TENANT: Final = """
    INSERT INTO tenants (tenant_id, name, hash_key, hash_key_sealed, created_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name RETURNING tenant_id, hash_key, hash_key_sealed"""

_HASH_KEY: Final = "SELECT tenant_id, hash_key, hash_key_sealed FROM tenants WHERE tenant_id = ?"

_HASH_KEYS: Final = f"SELECT tenant_id, hash_key, hash_key_sealed FROM tenants ORDER BY tenant_id {FOR_UPDATE}"  # noqa: S608 - constants only

_SEALED: Final = "UPDATE tenants SET hash_key = NULL, hash_key_sealed = ? WHERE tenant_id = ?"

_SERVICE: Final = """
    INSERT INTO services (tenant_id, service_id, name, event_type_id, duration_minutes, aliases)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, service_id) DO UPDATE SET name = excluded.name,
    event_type_id = excluded.event_type_id, duration_minutes = excluded.duration_minutes, aliases = excluded.aliases"""

_SERVICES: Final = """
    SELECT service_id, name, event_type_id, duration_minutes, aliases FROM services
    WHERE tenant_id = ? ORDER BY service_id"""


class SealedAway(LedgerUnavailable):
    """The key of a tenant's hashes is there and does not open. Another one in its place would make every repeat of a
    wish a new one, and so nobody is served. Says why in words for the operator."""


def tenant_written(
    tenant_id: str, name: str, services: Sequence[Service], now: datetime, keyring: Keyring | None = None
) -> Transaction[bytes]:
    """Write the tenant and its services; return the key of its hashes, which is made once and kept.

    With another key the same wish would have another intent key, and a repeat would book again: raises SealedAway
    rather than make one. What lies plain is sealed where the keyring has a key.
    """
    keys = keyring or Keyring()

    def work() -> Steps[bytes]:
        made = secrets.token_bytes(HASH_KEY_BYTES)
        kept = (None, keys.seal(made, _place(tenant_id))) if keys else (made, None)
        rows = yield Statement(_TENANT, (tenant_id, name, *kept, instant_text(now)))
        hash_key = _opened(rows[0], keys)
        if keys and rows[0][2] is None:
            yield Statement(_SEALED, (keys.seal(hash_key, _place(tenant_id)), tenant_id))
        # What is offered no longer must not come back when the calendar cannot be asked.
        yield Statement("DELETE FROM services WHERE tenant_id = ?", (tenant_id,))
        for service in services:
            aliases = json.dumps(service.aliases, ensure_ascii=False)
            of_calcom = (service.event_type_id, service.duration_minutes)
            yield Statement(_SERVICE, (tenant_id, service.service_id, service.name, *of_calcom, aliases))
        return hash_key

    return work


def hash_key_of(tenant_id: str, keyring: Keyring) -> Transaction[bytes | None]:
    """The key of its hashes; None of a tenant that there is not. Raises SealedAway."""

    def work() -> Steps[bytes | None]:
        rows = yield Statement(_HASH_KEY, (tenant_id,))
        return _opened(rows[0], keyring) if rows else None

    return work


def sealed_anew(keyring: Keyring) -> Transaction[tuple[int, int]]:
    """How many keys of hashes lie in the ledger, and how many of them were sealed with the keyring's first key by this.

    All of them, or none: raises SealedAway for one that does not open.
    """

    def work() -> Steps[tuple[int, int]]:
        rows, changed = (yield Statement(_HASH_KEYS)), 0
        for row in rows:
            if row[2] is None or not keyring.is_newest(row[2]):
                sealed = keyring.seal(_opened(row, keyring), _place(row[0]))
                yield Statement(_SEALED, (sealed, row[0]))
                changed += 1
        return len(rows), changed

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


def _place(tenant_id: str) -> str:
    return f"ledger/{tenant_id}/hash_key"


def _opened(row: Row, keyring: Keyring) -> bytes:
    tenant_id, plain, sealed = row
    if sealed is None:
        return bytes(plain)
    try:
        return keyring.open(sealed, _place(tenant_id))
    except CannotOpen as why:
        raise SealedAway(
            f"the key of the hashes of {tenant_id} does not open: {why}. Nothing is served without it, for a repeated "
            "wish would be booked again"
        ) from None
