"""The way from no database to the schema of today, back one step, and no further."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

import einmal.adapters.sql
from einmal.adapters.sql.ledger import SCHEMA_HEAD, SqliteLedger
from einmal.adapters.sql.migrate import SchemaMismatch, downgrade, has_layer_4, schema_version, switch_layer_4, upgrade
from einmal.adapters.sql.schema import metadata
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.system import SystemIds

FIRST = "0001"
UNIQUE_INDEX = "unique_calcom_v2_booking_id"
PLAIN_INDEX = "appointments_calcom_v2_booking_id_index"


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


def read(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with opened(path) as connection:
        return connection.execute(statement).fetchall()


def squeezed(sql: str | None) -> str:
    """A CREATE statement as compared: spacing and the order of a table's clauses do not matter."""
    text = re.sub(r"\s+", " ", sql or "").strip()
    head, bracket, body = text.partition("(")
    if not head.startswith("CREATE TABLE"):
        return text
    clauses = re.split(r", ?(?![^(]*\))", body.removesuffix(")").strip())
    # SQLite quotes the name of a table that was made anew.
    return head.strip().replace('"', "") + bracket + " | ".join(sorted(clause.strip() for clause in clauses))


def described(path: Path) -> dict[str, tuple[str, str, str]]:
    """Everything that stands in the schema but Alembic's own table: name to kind, table and definition."""
    rows = read(path, "SELECT name, type, tbl_name, sql FROM sqlite_master")
    return {name: (kind, table, squeezed(sql)) for name, kind, table, sql in rows if table != "alembic_version"}


def engine_on(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}", poolclass=NullPool)


def insert_appointments(path: Path, *uids: str | None) -> None:
    """One appointment for each uid, with all that it must refer to."""
    with opened(path) as connection:
        connection.execute(
            "INSERT INTO tenants (tenant_id, name, hash_key, created_at) VALUES ('salon', 'Salon', x'00', '-') "
            "ON CONFLICT DO NOTHING"
        )
        connection.execute(
            "INSERT INTO customers (customer_id, tenant_id, name, name_normal, created_at) "
            "VALUES ('c', 'salon', 'Anna Berg', 'anna berg', '-') ON CONFLICT DO NOTHING"
        )
        for number, uid in enumerate(uids):
            connection.execute(
                "INSERT INTO intents (intent_id, tenant_id, operation_id, intent_key, generation, fingerprint, "
                "person_kind, person_hash, name_hash, service_id, service_name, event_type_id, duration_minutes, "
                "start_at, attendee_email, state, epoch, created_at) VALUES "
                "(?, 'salon', ?, ?, 1, '-', 'name', '-', '-', 's', 'S', 1, 30, '-', 'a@x.test', 'confirmed', 1, '-')",
                (f"i{number}", f"op{number}", f"key{number}"),
            )
            connection.execute(
                "INSERT INTO appointments (appointment_id, tenant_id, intent_id, customer_id, service_id, starts_at, "
                "ends_at, status, calcom_v2_booking_id, created_at) "
                "VALUES (?, 'salon', ?, 'c', 's', '-', '-', 'confirmed', ?, '-')",
                (f"a{number}", f"i{number}", uid),
            )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet, in a folder that is not there yet."""
    return tmp_path / "data" / "ledger.sqlite3"


def test_a_fresh_database_is_built_with_its_folder(path: Path) -> None:
    """From nothing to the head in one step, and the ledger finds it ready to open."""
    assert schema_version(path) is None
    upgrade(path)
    assert schema_version(path) == SCHEMA_HEAD
    assert {table.name for table in metadata.sorted_tables} <= set(described(path))


async def test_the_ledger_is_ready_on_the_head_and_on_the_emergency_step(path: Path) -> None:
    """With layer 4 migrated down it still runs; on a schema that it does not know it does not."""
    upgrade(path)
    for version, ready in [(SCHEMA_HEAD, True), (FIRST, False), ("0000", False)]:
        with opened(path) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        ledger = SqliteLedger(path, SystemIds())
        ledger.open()
        try:
            assert await ledger.ready() is ready
        finally:
            ledger.close()


def test_alembic_finds_nothing_to_do_between_migrations_and_schema(path: Path) -> None:
    """What the migrations build is what schema/ says, as far as Alembic compares."""
    upgrade(path)
    with engine_on(path).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_and_schema_agree_to_the_letter(path: Path, tmp_path: Path) -> None:
    """Names of indexes and constraints, CHECK texts and the WHERE of partial indexes included."""
    upgrade(path)
    drawn = tmp_path / "drawn.sqlite3"
    metadata.create_all(engine_on(drawn))
    assert described(path) == described(drawn)


def test_the_comparison_would_see_a_partial_index_that_differs(path: Path, tmp_path: Path) -> None:
    """Control: the same comparison with one WHERE text changed, and with one index gone."""
    upgrade(path)
    changed = tmp_path / "changed.sqlite3"
    shutil.copy(path, changed)
    with opened(changed) as connection:
        connection.execute("DROP INDEX unique_live_intent")
        assert described(path) != described(changed)
        connection.execute(
            "CREATE UNIQUE INDEX unique_live_intent ON intents (tenant_id, intent_key) WHERE state IN ('sent')"
        )
    assert described(path) != described(changed)
    assert set(described(path)) == set(described(changed))


@pytest.mark.parametrize(
    ("index", "columns", "where"),
    [
        (
            "unique_live_intent",
            "(tenant_id, intent_key)",
            ("WHERE intent_key > '' AND state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"),
        ),
        (
            "unique_live_wish_of_phone",
            "(tenant_id, phone_hash, start_at, service_id)",
            (
                "WHERE phone_hash IS NOT NULL AND "
                "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
            ),
        ),
        ("unique_customer_phone", "(tenant_id, phone)", "WHERE phone IS NOT NULL"),
        (UNIQUE_INDEX, "(calcom_v2_booking_id)", ""),
    ],
)
def test_the_unique_indexes_that_the_guarantees_rest_on(path: Path, index: str, columns: str, where: str) -> None:
    """Written out here a second time, so that none is loosened by accident."""
    upgrade(path)
    kind, table, sql = described(path)[index]
    assert kind == "index"
    assert sql == f"CREATE UNIQUE INDEX {index} ON {table} {columns} {where}".strip()


def test_the_head_that_the_code_expects_is_the_last_migration() -> None:
    """SCHEMA_HEAD is the script directory's one head, and 0001 its base."""
    config = Config()
    config.set_main_option("script_location", str(Path(einmal.adapters.sql.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [SCHEMA_HEAD]
    assert scripts.get_bases() == [FIRST]


def test_layer_4_goes_down_and_up_again_with_the_rows_in_place(path: Path) -> None:
    """Down restores the plain index, up the unique one; the appointments stay, and the schema is as before."""
    upgrade(path)
    before = described(path)
    insert_appointments(path, "uid-1", "uid-2", None, None)
    downgrade(path, FIRST)
    assert schema_version(path) == FIRST
    assert {UNIQUE_INDEX, PLAIN_INDEX} & set(described(path)) == {PLAIN_INDEX}
    upgrade(path)
    assert schema_version(path) == SCHEMA_HEAD
    assert described(path) == before
    assert read(path, "SELECT count(*) FROM appointments") == [(4,)]


def test_upgrading_twice_changes_nothing(path: Path) -> None:
    """The head is where it stays."""
    upgrade(path)
    before = described(path)
    upgrade(path)
    assert described(path) == before


def test_the_upgrade_refuses_over_duplicates_and_changes_nothing(path: Path) -> None:
    """It counts the doubled uids, keeps every row and the plain index, and stays at 0001."""
    upgrade(path, FIRST)
    insert_appointments(path, "uid-1", "uid-1", "uid-2", "uid-2", "uid-2", "uid-3", None, None)
    before, rows = described(path), read(path, "SELECT * FROM appointments ORDER BY 1")
    with pytest.raises(RuntimeError, match=r"^2 booking uids stand in more than one appointment"):
        upgrade(path)
    assert schema_version(path) == FIRST
    assert described(path) == before
    assert read(path, "SELECT * FROM appointments ORDER BY 1") == rows


def test_the_upgrade_works_once_the_duplicates_are_gone(path: Path) -> None:
    """NULLs are no duplicates."""
    upgrade(path, FIRST)
    insert_appointments(path, "uid-1", "uid-1", None, None)
    with opened(path) as connection:
        connection.execute("DELETE FROM appointments WHERE appointment_id = 'a1'")
    upgrade(path)
    assert schema_version(path) == SCHEMA_HEAD


@pytest.mark.parametrize("start", [SCHEMA_HEAD, FIRST])
def test_there_is_nothing_below_0001(path: Path, start: str) -> None:
    """Going there would delete every booking on record: refused, and nothing is half done."""
    upgrade(path, start)
    insert_appointments(path, "uid-1")
    before = described(path)
    with pytest.raises(NotImplementedError, match="nothing below 0001"):
        downgrade(path, "base")
    assert schema_version(path) == start
    assert described(path) == before
    assert read(path, "SELECT count(*) FROM appointments") == [(1,)]


def test_a_file_that_is_no_database_is_a_mismatch(path: Path) -> None:
    """Said by name, and the file is left as it was."""
    path.parent.mkdir()
    path.write_bytes(b"Kundenliste; nur fuer den Salon\n" * 200)
    with pytest.raises(SchemaMismatch, match="cannot be read as an SQLite database"):
        schema_version(path)
    assert path.read_bytes() == b"Kundenliste; nur fuer den Salon\n" * 200


def test_somebody_elses_database_is_a_mismatch(path: Path) -> None:
    """An SQLite file with tables of another program is not a ledger, and is left as it was."""
    path.parent.mkdir()
    with opened(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(SchemaMismatch, match="not a ledger of Einmal's"):
        schema_version(path)
    assert set(described(path)) == {"recipes"}


def test_an_empty_file_is_no_database_yet(path: Path) -> None:
    """What `touch` made is built as if it were not there."""
    path.parent.mkdir()
    path.touch()
    assert schema_version(path) is None
    upgrade(path)
    assert schema_version(path) == SCHEMA_HEAD


def test_layer_4_goes_down_and_up_by_itself(path: Path) -> None:
    """The emergency switch is the one step of 0002, whatever came after it; the version stays."""
    upgrade(path)
    whole = described(path)
    switch_layer_4(path, on=False)
    assert not has_layer_4(path)
    assert schema_version(path) == SCHEMA_HEAD
    assert set(whole) ^ set(described(path)) == {UNIQUE_INDEX, PLAIN_INDEX}
    switch_layer_4(path, on=False)
    switch_layer_4(path, on=True)
    assert described(path) == whole
