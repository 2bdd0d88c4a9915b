"""`einmal dedupe --undo`: what somebody did since is left alone, and told."""

from support.tables import Operator, TableBase, many


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


def test_an_undo_does_not_overwrite_a_row_that_took_the_place(base: TableBase, einmal: Operator) -> None:
    """A deleted row's id may be somebody else's by now."""
    base.create()
    base.incident()
    assert einmal("dedupe", "--url", base.url, "--apply", "--delete").code == 0
    base.insert("appointments", (643, 555, "call_new", None, "2026-11-07 09:05:21"))
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert (told.code, "1 rows are left alone" in told.err) == (1, True)
    assert base.rows("id, customer_id")[2] == (643, 555)


def test_an_undo_goes_on_past_a_row_that_the_database_refuses(base: TableBase, einmal: Operator) -> None:
    """One that can no longer stand there is left alone by name; the others of its batch are put back."""
    many(base, 3)
    base.run("CREATE UNIQUE INDEX one_call ON appointments (call_id)")
    assert einmal("dedupe", "--url", base.url, "--apply", "--delete").code == 0
    base.insert("appointments", (900, 1, "call_5", None, "2026-11-07 09:05:21"))
    told = einmal("dedupe", "--url", base.url, "--undo")
    assert (told.code, told.err.endswith("  5\n")) == (1, True)
    assert [row[0] for row in base.rows("id")] == [2, 3, 4, 6, 7, 900]
