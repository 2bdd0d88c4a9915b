"""`einmal dedupe` that is killed, refused or overtaken: what is done stays done, and the next one goes on."""

import json
from datetime import UTC, datetime

import pytest

from einmal.adapters.tables.place import place_of
from einmal.adapters.tables.repair import Order, Repaired, repaired
from einmal.adapters.tables.target import Wanted
from einmal.domain.duplicates import Action
from support.tables import PLAIN, UID, UNIQUE, Operator, TableBase, indexes, logged, many

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def an_order(base: TableBase, run: str) -> Order:
    return Order(place_of(base.url), Wanted(), run, AT)


class Killed(BaseException):
    """As a process ends that is killed: nothing is tidied up."""


def test_killed_between_two_batches_it_goes_on(base: TableBase, einmal: Operator) -> None:
    """What was done stays and is not done again; the second run is called as the first; one undo takes back all."""
    many(base, 260)
    before = base.rows()

    def killed(done: int, in_all: int) -> None:
        assert in_all == 260
        raise Killed(done)

    with pytest.raises(Killed) as died:
        repaired(an_order(base, "run 1"), killed, 0)
    first = died.value.args[0]
    assert 0 < first < 260
    assert len([row for row in base.rows("id, status") if row[1] == "cancelled"]) == first
    assert indexes(base) == set()
    done = repaired(an_order(base, "run 2"), lambda *_: None, 5)
    assert (done.run, done.changed[Action.CANCELLED], len(done.contacts)) == ("run 1", 260 - first, 5)
    assert indexes(base) == {UNIQUE}
    assert {one["run"] for one in logged(base)} == {"run 1"}
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert base.rows() == before


REFUSES = {
    "sqlite": [
        (
            "CREATE TRIGGER refuses BEFORE UPDATE ON appointments WHEN NEW.id = 199 "
            "BEGIN SELECT RAISE(ABORT, 'Anna Weiss'); END"
        )
    ],
    "postgres": [
        (
            "CREATE FUNCTION refused() RETURNS trigger AS $$ BEGIN IF NEW.id = 199 THEN RAISE 'Anna Weiss'; END IF; "
            "RETURN NEW; END $$ LANGUAGE plpgsql"
        ),
        "CREATE TRIGGER refuses BEFORE UPDATE ON appointments FOR EACH ROW EXECUTE FUNCTION refused()",
    ],
    "mariadb": [
        (
            "CREATE TRIGGER refuses BEFORE UPDATE ON appointments FOR EACH ROW "
            "IF NEW.id = 199 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Anna Weiss'; END IF"
        )
    ],
}


def test_a_batch_is_done_whole_or_not_at_all(base: TableBase, einmal: Operator) -> None:
    """What the database refuses in the middle leaves rows and log in step; nothing it says is passed on."""
    many(base, 260)
    for statement in REFUSES[base.kind]:
        base.run(statement)
    told = einmal("dedupe", "--url", base.url, "--apply")
    assert told.code == 4
    assert "refused" in told.err
    assert "Anna" not in told.err
    cancelled = [row[0] for row in base.rows("id, status") if row[1] == "cancelled"]
    assert 0 < len(cancelled) < 260
    assert sorted(one["row_id"] for one in logged(base)) == cancelled
    base.run("DROP TRIGGER refuses" + (" ON appointments" if base.kind == "postgres" else ""))
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert len(logged(base)) == 260


def test_what_slips_in_meanwhile_is_said(base: TableBase, einmal: Operator) -> None:
    """The index is not put up over new duplicates: exit code 1, and the next run mends them."""
    base.create()
    base.incident()

    def slips(*_: int) -> None:
        base.insert("appointments", (700, 1, "call_x", UID, "2026-11-07 09:05:21"))

    done: Repaired = repaired(an_order(base, "run 1"), slips, 0)
    assert (done.left.duplicates, done.constraint) == (1, None)
    assert indexes(base) == set()
    told = einmal("dedupe", "--url", base.url)
    assert told.code == 1
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert indexes(base) == {UNIQUE}


@pytest.mark.parametrize("base", ["sqlite", "mariadb"], indirect=True)
def test_killed_at_the_index_it_goes_on(base: TableBase, einmal: Operator) -> None:
    """As MariaDB can leave it, where a change of the schema is a commit: both indexes stand, the log is open."""
    base.create()
    base.incident()
    base.run(f"CREATE INDEX {PLAIN} ON appointments (calcom_v2_booking_id)")
    before = base.rows()
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    base.run(f"CREATE INDEX {PLAIN} ON appointments (calcom_v2_booking_id)")
    base.run("DELETE FROM system_audit_log WHERE event_type = 'duplicate_booking_bug_repaired'")
    assert einmal("dedupe", "--url", base.url, "--apply").code == 0
    assert indexes(base) == {UNIQUE}
    assert len(logged(base, "duplicate_booking_bug_repaired")) == 1
    assert einmal("dedupe", "--url", base.url, "--undo").code == 0
    assert (base.rows(), indexes(base)) == (before, {PLAIN})


def test_a_very_large_group_is_worked_off_in_slices(base: TableBase, einmal: Operator) -> None:
    """One id in 700 rows: the oldest stays, though it has neither the first nor the last id."""
    base.create()
    rows = [(n, 1, "call", UID, "2026-10-06 09:05:21") for n in range(1, 701)]
    rows[555] = (556, 1, "call", UID, "2026-10-05 09:05:21")
    base.insert("appointments", *rows)
    told = einmal("dedupe", "--url", base.url, "--apply", "--json")
    assert (told.code, json.loads(told.out)["changed"]["cancelled"]) == (0, 699)
    assert [row[0] for row in base.rows("id, calcom_v2_booking_id") if row[1]] == [556]
