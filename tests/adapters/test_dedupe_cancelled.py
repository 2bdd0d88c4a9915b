"""`einmal dedupe` where some rows are cancelled already: what stands is kept, and only who was told is called."""

import json

import pytest

from einmal.adapters.tables.audit import ROWS_SHOWN_MAX
from einmal.adapters.tables.groups import BATCH_ROWS_MAX
from support.tables import UID, Operator, TableBase, logged


def test_the_only_row_that_stands_is_kept(base: TableBase, einmal: Operator) -> None:
    """Though an older one was cancelled before; the plan says why, nobody is to be called, an undo brings it back."""
    base.create()
    base.incident()
    base.run("UPDATE appointments SET status = 'Canceled' WHERE id = 642")
    before = base.rows()
    plan = einmal("dedupe", "--url", base.url)
    [kept] = [line for line in plan.out.splitlines() if "oldest that stands" in line]
    assert kept.startswith("  643 "), plan.out
    done = einmal("dedupe", "--url", base.url, "--apply")
    assert (done.code, "To be called" in done.out) == (0, False), done
    assert base.rows("id, status, calcom_v2_booking_id")[1:3] == [(642, "cancelled", None), (643, "confirmed", UID)]
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert base.rows() == before


def test_of_very_many_rows_the_one_that_stands_is_shown(base: TableBase, einmal: Operator) -> None:
    """It is the youngest, and behind more of them than are shown; one whose age nobody knows would come before them."""
    base.create()
    rows = [(n, 1, "call", UID, f"2026-10-06 09:05:{n:02}") for n in range(1, ROWS_SHOWN_MAX + 3)]
    base.insert("appointments", *rows, (90, 1, "call", UID, None))
    base.run(f"UPDATE appointments SET status = 'CANCELLED' WHERE id < {ROWS_SHOWN_MAX + 2}")  # noqa: S608 - the tests' own
    [group] = json.loads(einmal("dedupe", "--url", base.url, "--json").out)["duplicates"]
    shown = [(row["id"], row["kept"], row["oldest"]) for row in group["rows"][:3]]
    assert shown == [(ROWS_SHOWN_MAX + 2, True, False), (90, False, False), (1, False, True)]
    assert len(group["rows"]) == ROWS_SHOWN_MAX


@pytest.mark.parametrize("base", ["sqlite", "postgres"], indirect=True)
def test_in_slices_too_the_row_that_stands_is_kept(base: TableBase, einmal: Operator) -> None:
    """It is younger than all of the first slice; the log names it for each of the others, and two are to be called."""
    base.create()
    many = BATCH_ROWS_MAX + 50
    base.insert("appointments", *((n, 1, "call", UID, "2026-10-06 09:05:21") for n in range(1, many + 1)))
    base.run(f"UPDATE appointments SET status = 'cancelled' WHERE id < {many - 2}")  # noqa: S608 - the tests' own
    told = einmal("dedupe", "--url", base.url, "--apply", "--json")
    seen = json.loads(told.out)
    assert (told.code, seen["changed"]["cancelled"]) == (0, many - 1)
    assert [one["id"] for one in seen["contacts"]] == [many - 1, many]
    assert {one["kept_id"] for one in logged(base)} == {many - 2}
    assert [row for row in base.rows("id, status, calcom_v2_booking_id") if row[2]] == [(many - 2, "confirmed", UID)]


@pytest.mark.parametrize("base", ["sqlite"], indirect=True)
def test_only_rows_that_stood_are_counted_as_callers(base: TableBase, einmal: Operator) -> None:
    """Of three that lose the booking one was cancelled before: two are to be called, however many are listed."""
    base.create()
    base.insert("appointments", *((n, 1, "call", UID, f"2026-10-06 09:05:{n:02}") for n in range(1, 5)))
    base.run("UPDATE appointments SET status = 'cancelled' WHERE id = 2")
    told = einmal("dedupe", "--url", base.url, "--apply", "--limit", "1")
    assert "Cancelled: 3 rows" in told.out
    assert "and 1 more: see --limit" in told.out
