"""`einmal audit` on tables of another program: what it finds, what it says, and that it changes nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from einmal.adapters.tables.place import CouldNotLook, carried_out, place_of
from support.tables import TABLE_BASES, UID, Operator, TableBase


def test_the_incident_is_found(base: TableBase, einmal: Operator) -> None:
    """Which rows, how old each is and whose calls; exit code 1, though the constraint is missing as well."""
    base.create()
    base.incident()
    told = einmal("audit", "--url", base.url)
    assert told.code == 1, told.err
    assert "Rows: 5\nBooking ids that stand in more than one row: 1\nRows too many: 1\n" in told.out
    assert "Constraint: MISSING" in told.out
    assert re.search(
        rf"{UID}: 2 rows\n  642  2026-10-06 09:05:21Z .* old  call call_b  customer_id 342 .*oldest", told.out
    )
    assert re.search(r"\n  643  2026-10-06 09:39:22Z .* old  call call_c  customer_id 338", told.out)
    assert "call_a" not in told.out
    seen = json.loads(einmal("audit", "--url", base.url, "--json").out)
    assert (seen["rows"], seen["duplicate_booking_ids"], seen["surplus_rows"], seen["constraint"]) == (5, 1, 1, None)
    [group] = seen["duplicates"]
    assert [(row["id"], row["call_id"], row["oldest"]) for row in group["rows"]] == [
        (642, "call_b", True),
        (643, "call_c", False),
    ]


def test_a_clean_table_without_the_constraint_then_with_it(base: TableBase, einmal: Operator) -> None:
    """3, then 0 with an index of whatever name; NULLs are free."""
    base.create()
    base.insert(
        "appointments", *((n, 1, "call", uid, "2026-10-06 09:05:21") for n, uid in enumerate(["a", "b", None, None], 1))
    )
    told = einmal("audit", "--url", base.url)
    assert (told.code, "MISSING" in told.out) == (3, True)
    base.run("CREATE UNIQUE INDEX some_name ON appointments (calcom_v2_booking_id)")
    told = einmal("audit", "--url", base.url)
    assert (told.code, "some_name makes the column unique" in told.out) == (0, True)


def test_an_index_that_leaves_something_out_is_no_constraint(base: TableBase, einmal: Operator) -> None:
    """Not one on two columns, not a plain one, not one with a condition; one on what is not NULL is."""
    base.create()
    base.run("CREATE UNIQUE INDEX two ON appointments (calcom_v2_booking_id, status)")
    base.run("CREATE INDEX plain ON appointments (calcom_v2_booking_id)")
    if base.kind != "mariadb":
        base.run("CREATE UNIQUE INDEX part ON appointments (calcom_v2_booking_id) WHERE status = 'confirmed'")
    assert einmal("audit", "--url", base.url).code == 3
    if base.kind != "mariadb":
        base.run(
            "CREATE UNIQUE INDEX whole ON appointments (calcom_v2_booking_id) WHERE calcom_v2_booking_id IS NOT NULL"
        )
        assert einmal("audit", "--url", base.url).code == 0


def test_a_unique_constraint_and_a_primary_key_count(base: TableBase, einmal: Operator) -> None:
    """Whatever it is that makes a column unique."""
    kind = "VARCHAR(50)"
    base.run(f"CREATE TABLE one (id INTEGER, uid {kind}, UNIQUE (uid))")
    base.run(f"CREATE TABLE two (id INTEGER, uid {kind} PRIMARY KEY)")
    for table in ("one", "two"):
        assert einmal("audit", "--url", base.url, "--table", table, "--column", "uid").code == 0


@pytest.mark.parametrize("base", ["sqlite", "mariadb"], indirect=True)
def test_empty_texts_are_told_and_are_no_duplicates(base: TableBase, einmal: Operator) -> None:
    """They would break the index: the exit code stays that of the constraint."""
    base.create()
    base.insert("appointments", *((n, 1, "call", "", "2026-10-06 09:05:21") for n in range(1, 4)))
    told = einmal("audit", "--url", base.url)
    assert told.code == 3
    assert "Rows with an empty text for a booking id: 3" in told.out


def test_metrics_for_a_textfile_collector(base: TableBase, einmal: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same exit code, names under the namespace, and each metric with its help and type."""
    monkeypatch.setenv("EINMAL_METRICS_NAMESPACE", "salon")
    base.create()
    base.incident()
    told = einmal("audit", "--url", base.url, "--prometheus")
    assert told.code == 1
    labels = '{table="appointments",column="calcom_v2_booking_id"}'
    values = dict(line.rsplit(" ", 1) for line in told.out.splitlines() if not line.startswith("#"))
    del values[f"salon_audit_timestamp_seconds{labels}"]
    assert values == {
        f"salon_audit_looked{labels}": "1",
        f"salon_audit_rows{labels}": "5",
        f"salon_audit_duplicate_booking_ids{labels}": "1",
        f"salon_audit_surplus_rows{labels}": "1",
        f"salon_audit_empty_booking_ids{labels}": "0",
        f"salon_audit_constraint_present{labels}": "0",
    }
    assert told.out.count("# TYPE salon_audit_") == told.out.count("# HELP salon_audit_") == 7
    blind = einmal("audit", "--url", base.url, "--table", "gone", "--prometheus")
    assert (blind.code, blind.out.splitlines()[-1]) == (4, "salon_audit_looked 0")


NOT_THERE = [
    (("--table", "termine"), "there is no table 'termine' (say which with --table); there are appointments"),
    (("--column", "uid"), "appointments has no column 'uid' (say another with --column); there are id, customer_id,"),
    (("--id-column", "nr"), "appointments has no column 'nr' (say another with --id-column)"),
    (("--created-column", "made"), "appointments has no column 'made' (say another with --created-column)"),
    (("--call-column", "telefon"), "appointments has no column 'telefon' (say another with --call-column)"),
]


def test_what_is_not_there_is_named(base: TableBase, einmal: Operator) -> None:
    """And so is what there is instead; nothing on stdout; exit code 4."""
    base.create()
    for options, said in NOT_THERE:
        told = einmal("audit", "--url", base.url, *options)
        assert (told.code, told.out) == (4, "")
        assert said in told.err


def test_odd_names_of_tables_and_columns(base: TableBase, einmal: Operator) -> None:
    """A word of SQL's, a space, capitals, a dot, an attempt at something: each is a name like any other."""
    for table in ("order", "an odd name", "Termine", "a.b", "x'; DROP TABLE appointments; --", "größe"):
        base.create(base.quoted(table), base.quoted("group by"))
        base.incident(base.quoted(table), base.quoted("group by"))
        told = einmal("audit", "--url", base.url, "--table", table, "--column", "group by")
        assert told.code == 1, told.err
        assert "Rows too many: 1" in told.out


@pytest.mark.parametrize("base", ["sqlite", "mariadb"], indirect=True)
def test_nothing_is_made_of_a_name_but_a_name(base: TableBase, einmal: Operator) -> None:
    """It is looked up among the names there are, and never pasted into a statement."""
    base.create()
    base.incident()
    for table in (
        "appointments; DROP TABLE appointments",
        'appointments" WHERE 1=1; DROP TABLE appointments; --',
        "appointments`; DROP TABLE appointments; --",
        "",
    ):
        for option in ("--table", "--column"):
            assert einmal("audit", "--url", base.url, option, table).code == 4
    assert len(base.rows()) == 5


def test_a_table_of_another_schema(einmal: Operator, tmp_path: Path) -> None:
    """On PostgreSQL, as schema.table; what is not there is said."""
    with TABLE_BASES["postgres"](tmp_path) as base:
        base.run('CREATE SCHEMA "my salon"')
        base.create('"my salon".appointments')
        base.incident('"my salon".appointments')
        assert einmal("audit", "--url", base.url).code == 4
        told = einmal("audit", "--url", base.url, "--table", "my salon.appointments")
        assert (told.code, "Rows: 5" in told.out) == (1, True)
        told = einmal("audit", "--url", base.url, "--table", "other.appointments")
        assert (told.code, "another schema's is named schema.table" in told.err) == (4, True)


def test_the_list_is_capped_and_the_counts_are_not(base: TableBase, einmal: Operator) -> None:
    """Of many ids the first are shown, of one in very many rows the oldest twenty."""
    base.create()
    pairs = [(n, 1, "call", f"uid{n // 2:02}", "2026-10-06 09:05:21") for n in range(2, 62)]
    many = [(100 + n, 1, "call", "a-test", f"2026-10-07 09:05:{59 - n}") for n in range(40)]
    base.insert("appointments", *pairs, *many)
    seen = json.loads(einmal("audit", "--url", base.url, "--json", "--limit", "3").out)
    assert (seen["duplicate_booking_ids"], seen["surplus_rows"], seen["listed"]) == (31, 30 + 39, 3)
    assert {"a-test", "uid01", "uid02", "uid03"} >= {group["booking_id"] for group in seen["duplicates"]}
    told = einmal("audit", "--url", base.url, "--limit", "3")
    assert "and 28 more booking ids; see --limit" in told.out
    whole = json.loads(einmal("audit", "--url", base.url, "--json", "--limit", "100").out)
    assert len(whole["duplicates"]) == 31
    [large] = [group for group in whole["duplicates"] if group["booking_id"] == "a-test"]
    assert (large["rows_in_all"], len(large["rows"])) == (40, 20)
    assert str(large["rows"][0]["id"]) == "139"
    assert json.loads(einmal("audit", "--url", base.url, "--json", "--limit", "0").out)["duplicates"] == []


@pytest.mark.parametrize("base", ["sqlite", "postgres"], indirect=True)
def test_the_columns_that_may_be_missing(base: TableBase, einmal: Operator) -> None:
    """Without a time the age is unknown, and without a call nobody's call is told."""
    base.run("CREATE TABLE appointments (id INTEGER, calcom_v2_booking_id VARCHAR(50))")
    base.run(f"INSERT INTO appointments VALUES (7, '{UID}'), (6, '{UID}')")  # noqa: S608 - the tests' own
    told = einmal("audit", "--url", base.url)
    assert told.code == 1
    assert re.search(r"  6  -  age unknown  call -  \(oldest\)\n  7  -  age unknown  call -\n", told.out)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM appointments", "CREATE TABLE more (id INTEGER)", "DROP TABLE appointments"]
)
def test_the_database_itself_refuses_a_change(base: TableBase, statement: str) -> None:
    """What an audit runs on cannot write, whatever it were told; with `writes` it can, which is the control."""
    base.create()
    base.incident()
    place = place_of(base.url)
    with pytest.raises(CouldNotLook, match="read-only"):
        carried_out(place, lambda connection: connection.execute(text(statement)))
    assert len(base.rows()) == 5

    def changed(connection: Any) -> None:
        with connection.begin():
            connection.execute(text(statement))

    carried_out(place, changed, writes=True)


def test_a_file_that_nobody_may_write_is_read(einmal: Operator, tmp_path: Path) -> None:
    """Nothing is written beside it either."""
    with TABLE_BASES["sqlite"](tmp_path) as base:
        base.create()
        base.incident()
        before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
        assert einmal("audit", "--url", base.url).code == 1
        assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_spellings_that_a_collation_takes_for_one(einmal: Operator, tmp_path: Path) -> None:
    """MariaDB's index would refuse them, so they count; that they are two ids is said."""
    with TABLE_BASES["mariadb"](tmp_path) as base:
        base.create()
        base.insert(
            "appointments", (1, 1, "c", "abc", "2026-10-06 09:05:21"), (2, 2, "d", "ABC", "2026-10-06 09:05:22")
        )
        told = einmal("audit", "--url", base.url)
        assert told.code == 1
        assert told.out.count("takes another spelling for the same") == 2
