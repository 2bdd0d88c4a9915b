"""Roles on a real PostgreSQL: the app serves and changes no schema, the auditor reads, a tenant sees its own rows.

That the app can do everything that the flows want is shown by the contract suites: on PostgreSQL they run as it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, upgrade
from einmal.adapters.sql.roles import (
    APPEND_ONLY,
    DELETED_FROM,
    RoleNames,
    carry_out,
    is_role_name,
    readable,
    roles_sql,
    tenant_sql,
    tenant_tables,
)
from einmal.adapters.sql.schema import metadata
from support.sql import SqlBase, as_role, asked_of, postgres_base, the_postgres

NAMES = RoleNames()
SALON, OTHER = "salon", "other"
ROW_OF_A_TENANT = """
    INSERT INTO intents (intent_id, tenant_id, operation_id, intent_key, generation, fingerprint, person_kind,
        person_hash, name_hash, service_id, service_name, event_type_id, duration_minutes, start_at, attendee_email,
        state, epoch, created_at)
    VALUES ('i_{0}', '{0}', 'op_{0}', 'key', 1, '-', 'name', '-', '-', 's', 'S', 1, 30, '-', '-', 'doubt', 1, '-')"""
ATTEMPT = """
    INSERT INTO attempts (intent_id, epoch, answered_at, kind, detail, elapsed_ms)
    VALUES ('i_{0}', 1, '-', 'lost', '-', 1)"""


@dataclass
class Roles:
    base: SqlBase

    def ask(self, role: str, statement: str) -> list[tuple[object, ...]]:
        assert isinstance(self.base.where, str)
        return asked_of(as_role(self.base.where, role), statement)


@pytest.fixture
def roles(tmp_path: Path) -> Iterator[Roles]:
    """Two tenants, each with an intent and an attempt, under one key."""
    with postgres_base(tmp_path) as base:
        for tenant in (SALON, OTHER):
            base.add_tenant(tenant)
            base.run(ROW_OF_A_TENANT.format(tenant))
            base.run(ATTEMPT.format(tenant))
        yield Roles(base)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a int)",
        "CREATE TEMPORARY TABLE mine (a int)",
        "ALTER TABLE intents ADD COLUMN more text",
        "DROP TABLE intents",
        "DROP INDEX unique_calcom_v2_booking_id",
        "CREATE INDEX mine ON intents (state)",
        "TRUNCATE intents CASCADE",
        "DELETE FROM intents",
        "UPDATE facts SET kind = 'x'",
        "DELETE FROM system_audit_log",
        "UPDATE alembic_version SET version_num = '0001'",
        "ALTER TABLE intents DISABLE ROW LEVEL SECURITY",
        "DROP POLICY einmal_serves ON intents",
        "CREATE ROLE another",
        "COPY intents TO PROGRAM 'true'",
    ],
)
async def test_the_app_changes_no_schema_and_no_history(roles: Roles, statement: str) -> None:
    """Each is refused by the database for want of rights; its owner could do it."""
    assert isinstance(roles.base.where, str)
    # A database's own rights are no part of what is copied with it.
    await carry_out(roles.base.where, roles_sql(NAMES))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        roles.ask(NAMES.app, statement)


def test_the_app_may_lock_the_version_and_not_change_it(roles: Roles) -> None:
    """That is how a gateway knows that it can write (control: the row is there to be changed)."""
    assert roles.ask(NAMES.app, "SELECT version_num FROM alembic_version FOR UPDATE")
    assert roles.base.run("UPDATE alembic_version SET version_num = version_num RETURNING 1") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tallies VALUES ('2026-01-01', 'x', 1, 1)",
        "UPDATE intents SET state = 'rejected'",
        "DELETE FROM holds",
        "CREATE TABLE mine (a int)",
        "SELECT person_name FROM intents",
        "SELECT attendee_email FROM intents",
        "SELECT * FROM customers",
        "SELECT phone FROM customers",
        "SELECT note FROM callbacks",
        "SELECT heard FROM function_calls",
        "SELECT hash_key FROM tenants",
        "SELECT hash_key_sealed FROM tenants",
        "SELECT answer FROM idempotency_keys",
    ],
)
@pytest.mark.parametrize("read_only", ["on", "off"])
def test_the_auditor_writes_nothing_and_reads_no_names(roles: Roles, statement: str, read_only: str) -> None:
    """Also where it takes its own setting back, with which it only reads."""
    assert isinstance(roles.base.where, str)
    url = f"{as_role(roles.base.where, NAMES.auditor)}?default_transaction_read_only={read_only}"
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        asked_of(url, statement)


def test_the_auditor_reads_everything_else(roles: Roles) -> None:
    """Of each table all columns that are not named as hidden, and every tenant's rows."""
    for table in metadata.sorted_tables:
        roles.ask(NAMES.auditor, f"SELECT {', '.join(readable(table))} FROM {table.name}")  # noqa: S608 - of the schema
    assert roles.ask(NAMES.auditor, "SELECT count(*) FROM intents") == [(2,)]


async def test_a_tenants_role_sees_its_own_rows_and_no_others(roles: Roles) -> None:
    """In each table that has any, those that hang on a row of its own included; before it was given any, none."""
    assert isinstance(roles.base.where, str)
    await carry_out(roles.base.where, tenant_sql(SALON, "reads_salon"))
    assert roles.ask("reads_salon", "SELECT intent_id FROM intents") == [("i_salon",)]
    assert roles.ask("reads_salon", "SELECT intent_id FROM attempts") == [("i_salon",)]
    assert roles.ask("reads_salon", "SELECT tenant_id FROM tenants") == [(SALON,)]
    assert roles.base.run("SELECT count(*) FROM intents") == [(2,)]
    for statement in ("UPDATE intents SET state = 'x'", "SELECT person_name FROM intents", "SELECT * FROM tallies"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            roles.ask("reads_salon", statement)


async def test_a_role_that_may_more_is_given_no_tenant(roles: Roles) -> None:
    """It would see every tenant's rows, or lose what it needs: nothing is changed. Twice for one is no matter."""
    assert isinstance(roles.base.where, str)
    roles.base.run("CREATE ROLE sees_all LOGIN BYPASSRLS")
    roles.base.run("CREATE ROLE a_member LOGIN")
    roles.base.run(f"GRANT {NAMES.app} TO a_member")
    try:
        stands = described(roles)
        for role in (NAMES.app, NAMES.migrator, NAMES.auditor, "postgres", "sees_all", "a_member"):
            with pytest.raises(SchemaMismatch, match=f"{role} may more than this already.*; nothing was changed"):
                await carry_out(roles.base.where, tenant_sql(SALON, role))
        assert described(roles) == stands
        for _ in range(2):
            await carry_out(roles.base.where, tenant_sql(SALON, "reads_salon"))
        stands = described(roles)
        with pytest.raises(SchemaMismatch, match="reads_salon reads another tenant already"):
            await carry_out(roles.base.where, tenant_sql(OTHER, "reads_salon"))
        assert described(roles) == stands
    finally:
        roles.base.run("DROP ROLE sees_all")
        roles.base.run("DROP ROLE a_member")


async def test_without_row_level_security_it_would_see_both(roles: Roles) -> None:
    """Control: the same role and grants, the policies switched off."""
    assert isinstance(roles.base.where, str)
    await carry_out(roles.base.where, tenant_sql(SALON, "reads_salon"))
    roles.base.run("ALTER TABLE intents DISABLE ROW LEVEL SECURITY")
    assert roles.ask("reads_salon", "SELECT count(*) FROM intents") == [(2,)]


def test_each_table_of_a_tenant_is_under_row_level_security(roles: Roles) -> None:
    """None was forgotten, and no other table holds a tenant's rows."""
    secured = {name for (name,) in roles.base.run("SELECT relname FROM pg_class WHERE relrowsecurity")}
    assert secured == {one.name for one in tenant_tables()} | {"alembic_version"}
    of_nobody = {one.name for one in metadata.sorted_tables} - secured
    assert of_nobody == {"calendar_gates", "system_audit_log", "tallies", "weekly_reports"}


def test_the_policy_of_the_app_changes_no_plan(roles: Roles) -> None:
    """Its plans are the owner's, to the letter: a policy that admits all rows is left out by the planner."""
    for statement in (
        "SELECT state FROM intents WHERE tenant_id = 'salon' AND intent_key = 'key' AND generation > 0",
        "UPDATE intents SET look_at = NULL WHERE intent_id = 'i_salon' AND state = 'doubt'",
        "SELECT 1 FROM appointments a JOIN intents i ON i.intent_id = a.intent_id WHERE a.calcom_v2_booking_id = 'u'",
        "INSERT INTO facts (tenant_id, at, kind, data) VALUES ('salon', '-', 'x', '{}')",
    ):
        of_the_owner = roles.base.run(f"EXPLAIN {statement}")
        assert roles.ask(NAMES.app, f"EXPLAIN {statement}") == of_the_owner


def test_a_second_role_for_a_new_password_does_what_the_app_does(roles: Roles) -> None:
    """A member is admitted by the same policies, so a password changes without a gap; who is none is not (control)."""
    roles.base.run("CREATE ROLE app_of_may LOGIN")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            roles.ask("app_of_may", "SELECT count(*) FROM intents")
        roles.base.run(f"GRANT {NAMES.app} TO app_of_may")
        assert roles.ask("app_of_may", "SELECT count(*) FROM intents") == [(2,)]
        assert roles.ask("app_of_may", "UPDATE intents SET looks = 1 RETURNING 1") == [(1,), (1,)]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            roles.ask("app_of_may", "DELETE FROM intents")
    finally:
        roles.base.run("DROP ROLE app_of_may")


async def test_carried_out_again_it_changes_nothing(roles: Roles) -> None:
    """By the superuser, and by the migrator alone, as after an upgrade."""
    assert isinstance(roles.base.where, str)
    await carry_out(roles.base.where, roles_sql(NAMES))
    stands = described(roles)
    await carry_out(roles.base.where, roles_sql(NAMES))
    assert described(roles) == stands
    await carry_out(as_role(roles.base.where, NAMES.migrator), roles_sql(NAMES))
    assert described(roles) == stands


def described(roles: Roles) -> list[tuple[object, ...]]:
    acls = "SELECT relname, relowner::regrole::text, relrowsecurity, relacl::text FROM pg_class ORDER BY 1"
    policies = "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2"
    return [*roles.base.run(acls), *roles.base.run(policies)]


async def test_the_migrator_upgrades_and_the_app_says_that_it_may_not() -> None:
    """An empty database and one that is behind: the app names the command and who runs it; the migrator runs it."""
    server = the_postgres()
    url = server.create()
    try:
        app, migrator = as_role(url, NAMES.app), as_role(url, NAMES.migrator)
        with pytest.raises(SchemaMismatch, match=r"this role may not.*`einmal db upgrade`; `einmal db roles`"):
            upgrade(app)
        upgrade(url, "0010")
        with pytest.raises(SchemaMismatch, match="this role may not"):
            schema_version(app)
        upgrade(url)
        await carry_out(url, roles_sql(NAMES))
        assert schema_version(app) == schema_version(migrator)
        upgrade(migrator)
        with pytest.raises(SchemaMismatch, match="only a superuser makes roles"):
            await carry_out(app, roles_sql(NAMES))
    finally:
        server.drop(url)


@pytest.mark.parametrize("name", ["x; DROP TABLE intents", 'a"b', "a'b", "A", "", "1a", "a" * 64, "a b"])
def test_a_name_that_needs_quotes_is_refused(name: str) -> None:
    """It goes into SQL as it is."""
    assert not is_role_name(name)
    with pytest.raises(ValueError, match="role's name"):
        roles_sql(RoleNames(app=name))
    with pytest.raises(ValueError, match="role's name"):
        tenant_sql(SALON, name)
    with pytest.raises(ValueError, match="tenant's id"):
        tenant_sql(f"{name}'", "reads_salon")


@pytest.mark.parametrize("names", [RoleNames("a", "a", "b"), RoleNames("a", "b", "b"), RoleNames("a", "b", "a")])
def test_of_three_roles_no_two_are_one(names: RoleNames) -> None:
    """Else who serves could change the schema, or who audits could write."""
    with pytest.raises(ValueError, match="three names"):
        roles_sql(names)


def test_what_is_granted_is_named_in_the_schema() -> None:
    """No grant is for a table that there is no more."""
    tables = {one.name for one in metadata.sorted_tables}
    assert tables >= APPEND_ONLY | DELETED_FROM
    assert not re.search(r"GRANT ALL|SUPERUSER (?!NO)", roles_sql(NAMES).replace("NOSUPERUSER", ""))
