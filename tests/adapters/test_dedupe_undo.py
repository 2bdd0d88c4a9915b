"""`einmal dedupe --undo`: what somebody did since is left alone, and told."""

from datetime import UTC, datetime

import pytest

from einmal.adapters.tables.groups import BATCH_ROWS_MAX
from einmal.adapters.tables.place import place_of
from einmal.adapters.tables.repair import Order, repaired
from einmal.adapters.tables.target import Wanted
from einmal.adapters.tables.undo import undone
from support.tables import UNIQUE, Operator, TableBase, indexes, many


def test_an_undo_leaves_alone_what_somebody_changed(base: TableBase, einmal: Operator) -> None:
    """It says which; the others are put back; once the row is as it was left, the next undo takes it too."""
    many(base, 3)
    before = base.rows()
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    base.run("UPDATE appointments SET service_id = 9 WHERE id = 5")
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert told.code == 1
    assert "1 rows are left alone" in told.err
    assert told.err.endswith("  5\n")
    assert [row for row in base.rows() if row[0] != 5] == [row for row in before if row[0] != 5]
    assert base.rows("id, status")[3] == (5, "cancelled")
    base.run("UPDATE appointments SET service_id = 7 WHERE id = 5")
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert base.rows() == before


@pytest.mark.parametrize("base", ["sqlite"], indirect=True)
def test_an_undo_does_not_overwrite_a_row_that_took_the_place(base: TableBase, einmal: Operator) -> None:
    """A deleted row's id may be somebody else's by now."""
    base.create()
    base.incident()
    assert einmal("dedupe", "--url", base.url, "--apply", "--delete").code == 0
    base.insert("appointments", (643, 555, "call_new", None, "2026-11-07 09:05:21"))
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert (told.code, "1 rows are left alone" in told.err) == (1, True)
    assert base.rows("id, customer_id")[2] == (643, 555)


@pytest.mark.parametrize("base", ["sqlite", "mariadb"], indirect=True)
def test_an_undo_goes_on_past_a_row_that_the_database_refuses(base: TableBase, einmal: Operator) -> None:
    """One that can no longer stand there is left alone by name; the others of its batch are put back."""
    many(base, 3)
    base.run("CREATE UNIQUE INDEX one_call ON appointments (call_id)")
    assert einmal("dedupe", "--url", base.url, "--apply", "--delete").code == 0
    base.insert("appointments", (900, 1, "call_5", None, "2026-11-07 09:05:21"))
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert (told.code, told.err.endswith("  5\n")) == (1, True)
    assert [row[0] for row in base.rows("id")] == [2, 3, 4, 6, 7, 900]


@pytest.mark.parametrize("base", ["sqlite", "mariadb"], indirect=True)
def test_an_undo_leaves_an_index_that_stood_before_the_run(base: TableBase, einmal: Operator) -> None:
    """It takes away what the run put up, and only once: not what another run, or somebody, has put up since."""
    base.create()
    base.insert("appointments", (1, 1, "call_a", "", "2026-10-06 09:05:21"))
    index = f"CREATE UNIQUE INDEX {UNIQUE} ON appointments (calcom_v2_booking_id)"
    base.run(index)
    assert "Cleared: 1 rows" in einmal("dedupe", "--url", base.url, "--apply").out
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert (told.code, "not unique any more" in told.out, indexes(base)) == (0, False, {UNIQUE})
    base.run(f"DROP INDEX {UNIQUE}{' ON appointments' if base.kind == 'mariadb' else ''}")
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert indexes(base) == set()
    base.run(index)
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert indexes(base) == {UNIQUE}


def test_an_undo_takes_the_index_of_a_run_that_was_killed_at_it(mariadb: TableBase, einmal: Operator) -> None:
    """A change of the schema is a commit there: the index may stand, and the log not say that the run is over."""
    many(mariadb, 2)
    before = mariadb.rows()
    assert einmal("dedupe", "--url", mariadb.url, "--apply").code == 0
    mariadb.run("DELETE FROM system_audit_log WHERE event_type = 'duplicate_booking_bug_repaired'")
    assert einmal("dedupe", "--url", mariadb.url, "--undo").code == 0
    assert (mariadb.rows(), indexes(mariadb)) == (before, set())


@pytest.mark.parametrize("base", ["sqlite", "postgres"], indirect=True)
def test_the_last_run_is_the_last_in_the_log(base: TableBase, einmal: Operator) -> None:
    """A clock that was set back gives it the smaller name."""
    many(base, 2)
    for run in ("2027", "2026"):
        at = datetime(int(run), 1, 1, tzinfo=UTC)
        repaired(Order(place_of(base.url), Wanted(), run, at), lambda *_: None, 0)
        if run == "2027":
            base.run(f"DROP INDEX {UNIQUE}")
            base.insert("appointments", *((n, 1, "call", "new", f"2026-10-06 09:05:{n}") for n in (30, 31)))
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert (told.code, told.out.startswith("Run 2026 is undone")) == (0, True), told.out
    cancelled = [row[0] for row in base.rows("id, status") if row[1] == "cancelled"]
    assert cancelled == [3, 5]


class Killed(BaseException):
    """As a process ends that is killed: nothing is tidied up."""


def test_killed_in_the_middle_an_undo_goes_on(base: TableBase, einmal: Operator) -> None:
    """What is put back stays so; the next undo does the rest."""
    many(base, BATCH_ROWS_MAX + 10)
    before = base.rows()
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0

    def killed(*_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        undone(Order(place_of(base.url), Wanted(), "unused", datetime.now(UTC)), None, killed)
    left = [row for row in base.rows("id, status") if row[1] == "cancelled"]
    assert len(left) == 10
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert told.code == 0, told.err
    assert base.rows() == before
