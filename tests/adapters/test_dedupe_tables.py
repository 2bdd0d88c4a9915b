"""`einmal dedupe` on tables of another program: planned, done, taken back, and done again, on three databases."""

import json

import pytest

from einmal.domain.duplicates import NOTE
from support.tables import PLAIN, UID, UNIQUE, Operator, TableBase, indexes, logged


def test_the_incident_is_found_planned_repaired_undone_and_repaired_again(base: TableBase, einmal: Operator) -> None:
    """The older row keeps the booking, the younger one is cancelled and gives its id up; all of it can be undone."""
    base.create()
    base.incident()
    base.run(f"CREATE INDEX {PLAIN} ON appointments (calcom_v2_booking_id)")
    before = base.rows()

    plan = einmal("dedupe", "--url", base.url)
    assert plan.code == 1
    assert "cancel 1 rows" in plan.out
    assert "Nothing was changed" in plan.out
    assert (base.rows(), indexes(base)) == (before, {PLAIN})

    done = einmal("dedupe", "--url", base.url, "--apply")
    assert done.code == 0, done.err
    assert "643  2026-10-06 09:39:22Z" in done.out
    assert "call call_c  customer_id 338  starts_at 2026-10-10" in done.out
    assert f"(booking {UID} is of 642)" in done.out
    assert not any(one in plan.out + done.out for one in ("klingeln", "call_a"))
    changed = f"Bitte klingeln\n{NOTE}"
    assert base.rows("id, status, calcom_v2_booking_id, notes")[1:3] == [
        (642, "confirmed", UID, "Bitte klingeln"),
        (643, "cancelled", None, changed),
    ]
    assert [row for row in base.rows() if row[0] != 643] == [row for row in before if row[0] != 643]
    assert indexes(base) == {UNIQUE}
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        base.insert("appointments", (900, 1, "call", UID, "2026-10-07 09:05:21"))
    assert einmal("audit", "--url", base.url).code == 0
    [entry] = logged(base)
    assert (entry["row_id"], entry["kept_id"], entry["booking_id"], entry["action"]) == (643, 642, UID, "cancelled")
    assert entry["before"]["notes"] == "Bitte klingeln"
    assert (entry["after"]["status"], entry["after"]["calcom_v2_booking_id"]) == ("cancelled", None)

    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert (base.rows(), indexes(base)) == (before, {PLAIN})
    [back] = [one for one in logged(base, "duplicate_booking_bug_undone") if "end" not in one]
    assert (back["before"]["status"], back["after"]["status"]) == ("cancelled", "confirmed")
    again = einmal("dedupe", "--url", base.url, "--undo")
    assert (again.code, "1 were so already" in again.out, base.rows()) == (0, True, before)

    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert base.rows("id, status")[2] == (643, "cancelled")
    assert indexes(base) == {UNIQUE}


@pytest.mark.parametrize("base", ["sqlite", "mariadb"], indirect=True)
def test_exit_codes_of_plan_and_repair(base: TableBase, einmal: Operator) -> None:
    """3 where only the index is missing, 0 with it; a run that only put it up can be undone as well."""
    base.create()
    base.insert("appointments", (1, 1, "call", "a", "2026-10-06 09:05:21"))
    assert einmal("dedupe", "--url", base.url).code == 3
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert indexes(base) == {UNIQUE}
    plan = einmal("dedupe", "--url", base.url)
    assert (plan.code, "Nothing to do" in plan.out) == (0, True)
    assert len(base.run("SELECT * FROM system_audit_log")) == 1
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert indexes(base) == set()
    assert einmal("dedupe", "--url", base.url, "--undo", "last week").code == 2


@pytest.mark.parametrize("base", ["sqlite", "postgres"], indirect=True)
def test_nothing_is_made_where_nothing_is_to_do(base: TableBase, einmal: Operator) -> None:
    """Not even the table of the audit log."""
    base.create()
    base.run("CREATE UNIQUE INDEX own ON appointments (calcom_v2_booking_id)")
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    with pytest.raises(Exception, match="system_audit_log"):
        base.run("SELECT * FROM system_audit_log")
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert (told.code, "knows of no repair" in told.err) == (2, True)


def test_rows_that_were_deleted_come_back(base: TableBase, einmal: Operator) -> None:
    """Whole, under their own ids."""
    base.create()
    base.incident()
    before = base.rows()
    done = einmal("dedupe", "--url", base.url, "--apply", "--delete", "--json")
    assert done.code == 0, done.err
    seen = json.loads(done.out)
    assert seen["changed"] == {"cancelled": 0, "deleted": 1, "cleared": 0}
    assert [(one["id"], one["kept"], one["call_id"]) for one in seen["contacts"]] == [(643, 642, "call_c")]
    assert [row[0] for row in base.rows()] == [641, 642, 644, 645]
    undone = einmal("dedupe", "--url", base.url, "--undo", seen["run"], "--json")
    assert (undone.code, json.loads(undone.out)["restored"]) == (0, 1)
    assert base.rows() == before


def test_empty_texts_are_made_null(base: TableBase, einmal: Operator) -> None:
    """They are nobody's booking, and are no duplicates: their rows stay as they are but for that."""
    base.create()
    base.insert("appointments", *((n, 1, "call", "", "2026-10-06 09:05:21") for n in range(1, 4)))
    before = base.rows()
    assert "empty text of 3 rows NULL" in einmal("dedupe", "--url", base.url).out
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert base.rows("id, status, calcom_v2_booking_id") == [(n, "confirmed", None) for n in range(1, 4)]
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert base.rows() == before


def test_odd_names_are_names(base: TableBase, einmal: Operator) -> None:
    """A word of SQL's for the table, a quote, a colon and a percent sign in its columns."""
    table, column = "order", "uid: 100% \"my\" 'own'"
    quoted = f"`{column}`" if base.kind == "mariadb" else '"' + column.replace('"', '""') + '"'
    base.create(base.quoted(table), quoted)
    base.incident(base.quoted(table), quoted)
    before = base.rows(table=base.quoted(table))
    named = ("--url", base.url, "--table", table, "--column", column)
    done = einmal("dedupe", *named, "--apply", "--delete")
    assert done.code == 0, done.err
    assert len(base.rows(table=base.quoted(table))) == 4
    assert einmal("dedupe", *named, "--undo").code == 0
    assert base.rows(table=base.quoted(table)) == before


def test_a_table_of_another_schema(postgres: TableBase, einmal: Operator) -> None:
    """The audit log is made beside it; `public.` names the same table as nothing does."""
    postgres.run("CREATE SCHEMA salon")
    postgres.create("salon.appointments")
    postgres.incident("salon.appointments")
    named = ("--url", postgres.url, "--table", "salon.appointments")
    assert einmal("dedupe", *named, "--apply").code == 0
    assert len(postgres.run("SELECT * FROM salon.system_audit_log")) == 2
    assert einmal("dedupe", *named, "--undo").code == 0
    postgres.create()
    postgres.incident()
    assert einmal("dedupe", "--url", postgres.url, "--apply").code == 0
    assert einmal("dedupe", "--url", postgres.url, "--table", "public.appointments", "--undo").code == 0


def test_a_collation_does_not_make_two_ids_one(mariadb: TableBase, einmal: Operator) -> None:
    """Rows are duplicates to the letter only. What is left keeps the index down, and is said."""
    mariadb.create()
    rows = enumerate(["abc", "ABC", "abc", "xy ", "xy"], 1)
    mariadb.insert("appointments", *((n, n, f"call_{n}", uid, f"2026-10-06 09:05:{n:02}") for n, uid in rows))
    told = einmal("dedupe", "--url", mariadb.url, "--apply")
    assert (told.code, "collation" in told.err) == (1, True)
    assert [row[1] for row in mariadb.rows("id, calcom_v2_booking_id")] == ["abc", "ABC", None, "xy ", "xy"]
    assert indexes(mariadb) == set()
