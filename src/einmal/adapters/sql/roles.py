"""Who may do what in a ledger on PostgreSQL, as SQL that a person can read before it is carried out.

Three roles. The migrator owns the tables. The app serves: it reads and writes rows as far as the product's statements
do, and changes no schema. The auditor reads, without whatever names a person, and without keys. Beside them a role for
each tenant that wants a tool of its own: it reads that tenant's rows and no others, by row-level security.

Rows are admitted by policy. The app's admits all: it serves all tenants, and what crosses between them is kept apart by
its statements (decision 0031). Carried out again it changes nothing that is as it should be; after each upgrade it is
carried out again, for what that has added.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table

from einmal.adapters.sql.ledger import SCHEMA_HEAD
from einmal.adapters.sql.migrate import SchemaMismatch, shown
from einmal.adapters.sql.personal import COLUMNS, Holds
from einmal.adapters.sql.schema import metadata

APPEND_ONLY: Final = frozenset({"facts", "system_audit_log", "composite_segments"})
"""What has been written there is never changed: the app reads and adds."""

DELETED_FROM: Final = frozenset({"holds", "idempotency_keys", "inbox", "services"})
"""Where rows go when their time is over. Nothing else is ever deleted."""

UNREAD: Final = {
    "tenants": frozenset({"hash_key", "hash_key_sealed"}),
    "idempotency_keys": frozenset({"answer"}),
    "system_audit_log": frozenset({"data"}),
}
"""What the auditor does not read beside names: keys, and whole answers and rows."""

_OF_A_ROW: Final = {
    "attempts": "EXISTS (SELECT 1 FROM intents i WHERE i.intent_id = attempts.intent_id AND i.tenant_id = {tenant})",
    "composite_segments": "EXISTS (SELECT 1 FROM composites c "
    "WHERE c.composite_id = composite_segments.composite_id AND c.tenant_id = {tenant})",
}
"""Tables that are the tenant's by the row that theirs belong to."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class RoleNames:
    migrator: str = "einmal_migrator"
    app: str = "einmal_app"
    auditor: str = "einmal_auditor"


def is_role_name(text: str) -> bool:
    """One that needs no quotes, and so can be put into SQL as it is."""
    return _NAME.fullmatch(text) is not None


def roles_sql(names: RoleNames) -> str:
    """The three roles on a ledger whose schema stands. Raises ValueError for a name that needs quotes, or is two's."""
    if not all(map(is_role_name, (names.migrator, names.app, names.auditor))):
        raise ValueError("a role's name has lower-case letters, digits and underscores, and begins with no digit")
    if len({names.migrator, names.app, names.auditor}) < 3:
        raise ValueError("migrator, app and auditor are three roles, and need three names")
    return "\n".join(_roles(names)) + "\n"


def tenant_sql(tenant_id: str, role: str) -> str:
    """A role that reads this tenant's rows and no others. Raises ValueError as above."""
    if not is_role_name(role) or _TENANT.fullmatch(tenant_id) is None:
        raise ValueError("a role's name has lower-case letters, digits and underscores; a tenant's id hyphens as well")
    return "\n".join(_of_tenant(tenant_id, role)) + "\n"


async def carry_out(url: str, sql: str) -> None:
    """All of it or nothing. Raises SchemaMismatch where the database refuses."""
    import asyncpg  # noqa: PLC0415 - an extra

    try:
        session: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            await session.execute(sql)
        finally:
            await session.close()
    except asyncpg.InsufficientPrivilegeError as error:
        why = "only a superuser makes roles and gives tables away; the tables' owner may do the rest"
        raise SchemaMismatch(f"{shown(url)}: {why}") from error
    except asyncpg.RaiseError as error:
        # The sentences are those that stand above.
        raise SchemaMismatch(f"{shown(url)}: {error.args[0]}; nothing was changed") from error
    except asyncpg.LockNotAvailableError as error:
        raise SchemaMismatch(f"{shown(url)}: the tables are busy; nothing was changed, try again") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise SchemaMismatch(f"{shown(url)} cannot be used: {type(error).__name__}") from error


def tenant_tables() -> tuple[Table, ...]:
    """Those whose rows are a tenant's."""
    return tuple(one for one in metadata.sorted_tables if "tenant_id" in one.columns or one.name in _OF_A_ROW)


def app_may(table: str) -> tuple[str, ...]:
    if table in APPEND_ONLY:
        return ("SELECT", "INSERT")
    return ("SELECT", "INSERT", "UPDATE", *(("DELETE",) if table in DELETED_FROM else ()))


def _roles(names: RoleNames) -> Iterator[str]:
    migrator, app, auditor = names.migrator, names.app, names.auditor
    yield f"-- Roles of a ledger of Einmal's, schema {SCHEMA_HEAD}. Run by a superuser, later by {migrator} as well."
    yield f"-- A new role has no password: \\password {app}"
    yield "BEGIN;"
    yield "SET LOCAL lock_timeout = '5s';"
    yield from _made(migrator)
    yield from _made(app)
    yield from _made(auditor, "ALTER ROLE {role} SET default_transaction_read_only = on;")
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
    yield "DO $$ BEGIN"
    yield "  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());"
    yield f"  EXECUTE format('GRANT CONNECT ON DATABASE %I TO {migrator}, {app}, {auditor}', current_database());"
    yield f"  EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO {migrator}', current_database());"
    yield "END $$;"
    yield f"GRANT USAGE, CREATE ON SCHEMA public TO {migrator};"
    yield f"GRANT USAGE ON SCHEMA public TO {app}, {auditor};"
    yield ""
    yield "-- The tables are the migrator's."
    for table in (*(one.name for one in metadata.sorted_tables), "alembic_version"):
        yield f"ALTER TABLE {table} OWNER TO {migrator};"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {app}, {auditor};"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app};"
    yield "-- What an upgrade makes, the app can use at once."
    from_now_on = f"ALTER DEFAULT PRIVILEGES FOR ROLE {migrator} IN SCHEMA public"
    yield f"{from_now_on} GRANT SELECT, INSERT, UPDATE ON TABLES TO {app};"
    yield f"{from_now_on} GRANT USAGE ON SEQUENCES TO {app};"
    yield ""
    for one in metadata.sorted_tables:
        yield f"GRANT {', '.join(app_may(one.name))} ON {one.name} TO {app};"
        yield f"GRANT SELECT ({', '.join(readable(one))}) ON {one.name} TO {auditor};"
    yield ""
    for one in tenant_tables():
        yield f"ALTER TABLE {one.name} ENABLE ROW LEVEL SECURITY;"
        yield from _policy(one.name, "einmal_serves", f"FOR ALL TO {app} USING (true) WITH CHECK (true)")
        yield from _policy(one.name, "einmal_audits", f"FOR SELECT TO {auditor} USING (true)")
    yield ""
    yield "-- To see whether it can write, the app locks this row; to change it, nobody lets it."
    yield f"GRANT SELECT, UPDATE ON alembic_version TO {app};"
    yield f"GRANT SELECT ON alembic_version TO {auditor};"
    yield "ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY;"
    yield from _policy("alembic_version", "einmal_reads", "FOR SELECT TO PUBLIC USING (true)")
    yield from _policy("alembic_version", "einmal_locks", f"FOR UPDATE TO {app} USING (true) WITH CHECK (false)")
    yield "COMMIT;"


def _of_tenant(tenant_id: str, role: str) -> Iterator[str]:
    tenant = f"'{tenant_id}'"
    yield f"-- A role that reads what is {tenant_id}'s in a ledger of Einmal's, schema {SCHEMA_HEAD}, and no more."
    yield "-- It needs the roles of `einmal db roles`: they switch row-level security on."
    yield "BEGIN;"
    yield "SET LOCAL lock_timeout = '5s';"
    yield from _nobody_elses(tenant, role)
    yield from _made(role, "ALTER ROLE {role} SET default_transaction_read_only = on;")
    yield "DO $$ BEGIN"
    yield f"  EXECUTE format('GRANT CONNECT ON DATABASE %I TO {role}', current_database());"
    yield "END $$;"
    yield f"GRANT USAGE ON SCHEMA public TO {role};"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};"
    for one in tenant_tables():
        rows = _OF_A_ROW.get(one.name, "tenant_id = {tenant}").format(tenant=tenant)
        # First: without it a grant would show every tenant's rows.
        yield f"ALTER TABLE {one.name} ENABLE ROW LEVEL SECURITY;"
        yield from _policy(one.name, f"of_{role}", f"FOR SELECT TO {role} USING ({rows})")
        yield f"GRANT SELECT ({', '.join(readable(one))}) ON {one.name} TO {role};"
    yield "COMMIT;"


def _nobody_elses(tenant: str, role: str) -> Iterator[str]:
    """A role that there is already keeps what it may elsewhere: it would see more than one tenant, or lose here what it
    needs, as the app would."""
    yield "DO $$ BEGIN"
    yield f"  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN"
    yield f"    IF (SELECT rolbypassrls FROM pg_roles WHERE rolname = '{role}')"  # noqa: S608 - a name of letters
    yield "      OR EXISTS (SELECT FROM pg_class WHERE oid = 'tenants'::regclass"
    yield f"        AND pg_has_role('{role}'::name, relowner, 'MEMBER'))"
    yield "      OR EXISTS (SELECT FROM pg_policies p, unnest(p.roles) AS other"
    yield f"        WHERE p.schemaname = 'public' AND other <> 'public' AND p.policyname <> 'of_{role}'"
    yield f"          AND pg_has_role('{role}'::name, other, 'MEMBER')) THEN"
    yield f"      RAISE EXCEPTION 'the role {role} may more than this already; name one that is for this alone';"
    yield "    END IF;"
    yield "    IF EXISTS (SELECT FROM pg_policies WHERE schemaname = 'public' AND tablename = 'tenants'"
    yield f"        AND policyname = 'of_{role}' AND position(quote_literal({tenant}) IN qual) = 0) THEN"
    yield f"      RAISE EXCEPTION 'the role {role} reads another tenant already; name another one';"
    yield "    END IF;"
    yield "  END IF;"
    yield "END $$;"


def readable(table: Table) -> tuple[str, ...]:
    """The columns that hold no name, no phone, no address, no word that was said, and no key."""
    hidden = UNREAD.get(table.name, frozenset())
    kinds = COLUMNS[table.name]
    return tuple(c.name for c in table.columns if kinds[c.name] is not Holds.NAMES and c.name not in hidden)


def _made(role: str, more: str = "") -> Iterator[str]:
    yield "DO $$ BEGIN"
    yield f"  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN"
    yield f"    CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;"
    if more:
        yield f"    {more.format(role=role)}"
    yield "  END IF;"
    yield "END $$;"


def _policy(table: str, name: str, what: str) -> Iterator[str]:
    yield f"DROP POLICY IF EXISTS {name} ON {table};"
    yield f"CREATE POLICY {name} ON {table} {what};"
