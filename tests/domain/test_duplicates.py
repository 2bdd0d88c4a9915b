"""Duplicates: the oldest row stays, whatever order they come in, and a note keeps what it said."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.duplicates import CANCELLED_WORDS, NOTE, Row, RowId, instant_of, is_over, noted, parted

AT = datetime(2026, 10, 6, 9, 5, 21, tzinfo=UTC)
LATER = AT + timedelta(minutes=35)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([(642, AT), (643, LATER)], 642),
        ([(643, AT), (642, LATER)], 643),
        ([(643, AT), (642, AT)], 642),
        ([(1, None), (643, LATER)], 643),
        ([(2, None), (1, None)], 1),
        ([(10, AT), (9, AT)], 9),
        # Digits that stand in a column of text are numbers all the same.
        ([("10", AT), ("9", AT)], "9"),
        ([("a9", AT), ("a10", AT)], "a10"),
        ([("a", AT), ("7", AT)], "7"),
    ],
)
def test_which_row_is_kept(rows: list[tuple[RowId, datetime | None]], kept: RowId) -> None:
    """The oldest, then the smaller id; what has no age counts as youngest."""
    found = parted(Row(*row) for row in rows)
    assert found is not None
    assert found.kept.row_id == kept
    assert len(found.surplus) == len(rows) - 1


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([(642, AT, True), (643, LATER, False)], 643),
        ([(642, AT, True), (643, LATER, False), (644, LATER, False)], 643),
        ([(642, AT, True), (643, None, False)], 643),
        ([(642, AT, True), (643, LATER, True)], 642),
        ([(642, AT, False), (643, LATER, True)], 642),
    ],
)
def test_a_row_that_stands_is_kept_before_a_cancelled_one(
    rows: list[tuple[RowId, datetime | None, bool]], kept: RowId
) -> None:
    """Else nobody would have the appointment; of rows that are all cancelled the oldest is kept."""
    found = parted(Row(*row) for row in rows)
    assert found is not None
    assert found.kept.row_id == kept


@pytest.mark.parametrize(
    ("status", "over"),
    [("cancelled", True), ("CANCELED ", True), ("Cancelled", True), ("confirmed", False), ("", False), (None, False)],
)
def test_which_status_says_cancelled(status: object, over: bool) -> None:
    """In both spellings, in large letters and small."""
    assert is_over(status, CANCELLED_WORDS) is over


def test_one_row_alone_is_no_group() -> None:
    """Somebody else may have cleaned up meanwhile."""
    assert parted([Row(642, AT)]) is None


INSTANTS = st.none() | st.datetimes(timezones=st.just(UTC))
ROWS = st.lists(
    st.builds(Row, st.integers() | st.text(), INSTANTS, st.booleans()),
    min_size=2,
    max_size=8,
    unique_by=lambda row: str(row.row_id),
)


@given(ROWS, st.randoms())
def test_the_order_in_which_rows_are_read_does_not_matter(rows: list[Row], luck: object) -> None:
    """One of them stays, every other one is surplus, nothing is lost, and a second look decides the same."""
    found = parted(rows)
    assert found is not None
    assert {found.kept, *found.surplus} == set(rows)
    assert len(found.surplus) == len(rows) - 1
    shuffled = list(rows)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    assert parted(shuffled) == found


@given(ROWS)
def test_nothing_older_than_what_is_kept(rows: list[Row]) -> None:
    """Of those that stand: where any age is known, what is kept has one, and none is before it."""
    found = parted(rows)
    assert found is not None
    standing = [row for row in rows if not row.over] or rows
    known = [row.created_at for row in standing if row.created_at is not None]
    assert found.kept in standing
    assert found.kept.created_at == (min(known) if known else None)


@given(ROWS)
def test_a_part_of_a_group_keeps_the_same_row(rows: list[Row]) -> None:
    """A large group is worked off in slices; each has the oldest in it, and keeps it."""
    found = parted(rows)
    assert found is not None
    for one in found.surplus:
        assert parted([one, found.kept]) == type(found)(found.kept, (one,))


@pytest.mark.parametrize(
    ("standing", "length_max", "after"),
    [
        (None, None, NOTE),
        ("", None, NOTE),
        ("Please ring twice", None, f"Please ring twice\n{NOTE}"),
        (None, len(NOTE), NOTE),
        (None, len(NOTE) - 1, None),
        ("x", len(NOTE) + 1, "x"),
        ("x", len(NOTE) + 2, f"x\n{NOTE}"),
    ],
)
def test_a_note_is_added_to_what_stands(standing: str | None, length_max: int | None, after: str | None) -> None:
    """And where there is no room for it, what stands is left whole."""
    assert noted(standing, length_max) == after


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-10-06T09:05:21.000Z", AT),
        ("2026-10-06 09:05:21", AT),
        ("2026-10-06 09:05:21.0", AT),
        ("2026-10-06 11:05:21+02", AT),
        ("2026-10-06 11:05:21+02:00", AT),
        ("2026-10-06", datetime(2026, 10, 6, tzinfo=UTC)),
        ("20261006", datetime(2026, 10, 6, tzinfo=UTC)),
        (int(AT.timestamp()), AT),
        (AT.timestamp(), AT),
        (int(AT.timestamp()) * 1000, AT),
        (str(int(AT.timestamp())), AT),
        ("06.10.2026", None),
        ("infinity", None),
        ("0000-00-00 00:00:00", None),
        ("", None),
        (None, None),
        ({"blob": "00"}, None),
        (float("inf"), None),
        (float("nan"), None),
        ("0001-01-01 00:00:00+14:00", None),
    ],
)
def test_when_a_row_was_made(value: object, instant: datetime | None) -> None:
    """However a table writes it; what names no zone is UTC, and what is no time is no time."""
    assert instant_of(value) == instant


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-720, 720))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_zone_is_minded(naive: datetime, minutes: int) -> None:
    """One instant, however far from Greenwich it was written."""
    instant = naive.replace(tzinfo=UTC)
    assert instant_of(instant.astimezone(timezone(timedelta(minutes=minutes))).isoformat()) == instant
