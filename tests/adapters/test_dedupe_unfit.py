"""Tables that cannot be mended as they are: said before anything is changed, with what would help."""

import asyncpg
import pytest

from einmal.domain.duplicates import NOTE
from support.tables import UNIQUE, Operator, TableBase

UNFIT = [
    ("id BIGINT PRIMARY KEY, uid VARCHAR(50)", (), "there is no column for the status"),
    ("id BIGINT PRIMARY KEY, status VARCHAR(9), uid VARCHAR(50) NOT NULL", (), "cannot be NULL"),
    ("id BIGINT, status VARCHAR(9), uid VARCHAR(50)", (), "nothing makes 'id' unique"),
    ("id BIGINT, status VARCHAR(9), uid VARCHAR(50)", ("--id-column", "uid"), "cannot be the one with the booking ids"),
    (
        "id BIGINT PRIMARY KEY, status VARCHAR(9) CHECK (status <> 'cancelled'), uid VARCHAR(50)",
        ("--apply",),
        "the database refused",
    ),
]


@pytest.mark.parametrize("base", ["sqlite", "mariadb"], indirect=True)
def test_what_cannot_be_mended_is_said_before_anything_is_changed(base: TableBase, einmal: Operator) -> None:
    """Exit code 4, with what stands in the way; the rows stay."""
    for place, (columns, options, said) in enumerate(UNFIT):
        base.run(f"CREATE TABLE t{place} ({columns})")
        names = "id, status, uid" if "status" in columns else "id, uid"
        values = ", ".join(f"({n}, 'ok', 'x')" if "status" in columns else f"({n}, 'x')" for n in (1, 2))
        base.run(f"INSERT INTO t{place} ({names}) VALUES {values}")  # noqa: S608 - the tests' own
        told = einmal("dedupe", "--url", base.url, "--table", f"t{place}", "--column", "uid", *options)
        assert (told.code, said in told.err) == (4, True), told
        assert [row[-1] for row in base.rows(names, f"t{place}")] == ["x", "x"]


def test_a_row_is_not_deleted_where_others_would_go_with_it(base: TableBase, einmal: Operator) -> None:
    """ON DELETE CASCADE takes what no undo brings back; where others only refer to it, the database refuses."""
    base.create()
    base.incident()
    number = {"sqlite": "INTEGER", "postgres": "bigint", "mariadb": "BIGINT"}[base.kind]
    base.run(
        f"CREATE TABLE reminders (id {number}, appointment_id {number}, "
        "FOREIGN KEY (appointment_id) REFERENCES appointments (id) ON DELETE CASCADE)"
    )
    base.run("INSERT INTO reminders VALUES (1, 643)")
    told = einmal("dedupe", "--url", base.url, "--apply", "--delete")
    assert (told.code, "would change reminders as well (ON DELETE CASCADE)" in told.err) == (4, True)
    base.run("DROP TABLE reminders")
    base.run(
        f"CREATE TABLE reminders (id {number}, appointment_id {number}, "
        "FOREIGN KEY (appointment_id) REFERENCES appointments (id))"
    )
    base.run("INSERT INTO reminders VALUES (1, 643)")
    assert einmal("dedupe", "--url", base.url, "--apply", "--delete").code == 4
    assert len(base.rows()) == 5
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0


@pytest.mark.parametrize("base", ["sqlite"], indirect=True)
def test_a_note_that_does_not_fit_is_left_out(base: TableBase, einmal: Operator) -> None:
    """The row is mended all the same, and the log says why."""
    base.run(
        "CREATE TABLE appointments (id BIGINT PRIMARY KEY, status VARCHAR(9), calcom_v2_booking_id VARCHAR(50), "
        "remark VARCHAR(70))"
    )
    base.run(f"INSERT INTO appointments VALUES (1, 'ok', 'x', NULL), (2, 'ok', 'x', ''), (3, 'ok', 'x', '{'y' * 60}')")  # noqa: S608 - the tests' own
    assert einmal("dedupe", "--url", base.url, "--note-column", "remark", "--apply").code == 0
    assert [row[1] for row in base.rows("id, remark")] == [None, NOTE, "y" * 60]


def test_tables_without_transactions_are_refused(mariadb: TableBase, einmal: Operator) -> None:
    """MyISAM could be left half done, by a kill or an error."""
    mariadb.create()
    mariadb.run("ALTER TABLE appointments ENGINE=MyISAM")
    told = einmal("dedupe", "--url", mariadb.url)
    assert (told.code, "appointments has the engine MyISAM, which knows no transactions" in told.err) == (4, True)


def test_an_index_that_was_never_finished_is_said_before_anything_is_changed(
    postgres: TableBase, einmal: Operator
) -> None:
    """It has the name, and makes nothing unique. Dropped, it is in nobody's way."""
    postgres.create()
    postgres.incident()
    before = postgres.rows()
    with pytest.raises(asyncpg.UniqueViolationError):
        postgres.run(f"CREATE UNIQUE INDEX CONCURRENTLY {UNIQUE} ON appointments (calcom_v2_booking_id)")
    for words in ((), ("--apply",)):
        told = einmal("dedupe", "--url", postgres.url, *words)
        assert (told.code, "INVALID" in told.err, "DROP INDEX first" in told.err) == (4, True, True), told
    assert postgres.rows() == before
    postgres.run(f"DROP INDEX {UNIQUE}")
    assert einmal("dedupe", "--url", postgres.url, "--apply").code == 0


def test_a_name_that_is_taken_is_said_before_anything_is_changed(base: TableBase, einmal: Operator) -> None:
    """By an index that makes something else unique."""
    base.create()
    base.incident()
    before = base.rows()
    base.run(f"CREATE INDEX {UNIQUE} ON appointments (call_id)")
    told = einmal("dedupe", "--url", base.url, "--apply")
    assert (told.code, f"something else is called {UNIQUE!r}" in told.err) == (4, True), told
    assert base.rows() == before


@pytest.mark.parametrize("base", ["postgres", "mariadb"], indirect=True)
def test_a_table_whose_partitions_allow_no_such_index_is_refused(base: TableBase, einmal: Operator) -> None:
    """A row's id can only be unique where it says in which partition the row is, and then the booking id cannot be."""
    partitions = " PARTITIONS 2" if base.kind == "mariadb" else ""
    base.run(
        "CREATE TABLE parted (id BIGINT PRIMARY KEY, status VARCHAR(20), uid VARCHAR(50)) "
        f"PARTITION BY HASH (id){partitions}"
    )
    if base.kind == "postgres":
        base.run("CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    base.run("INSERT INTO parted VALUES (1, 'ok', 'x'), (2, 'ok', 'x')")
    told = einmal("dedupe", "--url", base.url, "--table", "parted", "--column", "uid", "--apply")
    assert (told.code, "it is partitioned by" in told.err) == (4, True), told
    assert base.rows("id, status, uid", "parted") == [(1, "ok", "x"), (2, "ok", "x")]


def test_a_log_that_is_there_already_is_used(base: TableBase, einmal: Operator) -> None:
    """With other columns beside ours, and JSON in a column of its own type; one that cannot hold it is said."""
    number = {"sqlite": "INTEGER PRIMARY KEY", "postgres": "bigserial PRIMARY KEY"}
    base.create()
    base.incident()
    before = base.rows()
    base.run("CREATE TABLE system_audit_log (id BIGINT, message TEXT)")
    told = einmal("dedupe", "--url", base.url, "--apply")
    assert (told.code, "the table system_audit_log has no column event_type, description" in told.err) == (4, True)
    base.run("DROP TABLE system_audit_log")
    data = "jsonb" if base.kind == "postgres" else "JSON"
    base.run(
        f"CREATE TABLE system_audit_log (id {number.get(base.kind, 'BIGINT AUTO_INCREMENT PRIMARY KEY')}, "
        f"event_type VARCHAR(50), description VARCHAR(255), data {data}, level_ INTEGER, created_at TIMESTAMP NULL)"
    )
    base.run("INSERT INTO system_audit_log (event_type, data) VALUES ('duplicate_booking_bug', '[1]')")
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert base.rows() == before
