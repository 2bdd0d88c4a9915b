"""What was taken over from another program is not held to what only our own bookings promise; everything else holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from einmal.domain.drift import DriftKind, drifts_of
from einmal.domain.evidence import By, Evidence, Life, Row
from einmal.domain.intent import Intent, State
from einmal.domain.invariants import violations
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, Person, Service, Wish
from einmal.domain.reply import BookedSlot
from einmal.domain.takeover import Old, taken_over

START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
MADE = datetime(2026, 10, 6, 9, 5, tzinfo=UTC)
WISH = Wish("default", "call_old", Service("beratung", "Beratung", 101, 30), START, Person("Anna Weiß", "+4930901821"))
OLD = Old("appointments#642", WISH, WISH.end, State.CONFIRMED, "uid_642", MADE)
INTENT = taken_over(OLD, intent_key(WISH, b"key"), 1, "01", "a" * 32)
HELD = BookedSlot("ref", START, WISH.end, "Beratung", None)
BOOKING = Booking("uid_642", BookingStatus.ACCEPTED, START, WISH.end, 101, MADE, host_name="Olga Weber")
LIFE = Life("uid_642", None, START, 101, MADE, None, By.OTHERS, None, MADE)


def found(row: Row, *lives: Life) -> set[str]:
    return {one.invariant for one in violations(Evidence(lives, (row,)))}


def test_what_it_is_from_now_on() -> None:
    """At rest, with the times that it had there; nothing of ours was sent, and nobody looks for it."""
    assert (
        Intent("01", "a" * 32, INTENT.key, 1, WISH, "", State.CONFIRMED, 1, MADE, None, None, MADE, "uid_642") == INTENT
    )


def test_that_its_booking_carries_another_id_or_none_is_no_drift() -> None:
    """The control is the same row as one of ours."""
    assert drifts_of(INTENT, HELD, BOOKING, imported=True) == ()
    assert [one.kind for one in drifts_of(INTENT, HELD, BOOKING)] == [DriftKind.NOT_MARKED]


def test_everything_else_about_it_is_compared() -> None:
    cancelled = replace(BOOKING, status=BookingStatus.CANCELLED)
    later = replace(BOOKING, start=START + timedelta(hours=1), end=None)
    assert [one.kind for one in drifts_of(INTENT, HELD, cancelled, imported=True)] == [DriftKind.STATUS]
    assert [one.kind for one in drifts_of(INTENT, HELD, later, imported=True)] == [DriftKind.TIME]
    by_mia = replace(HELD, staff="Mia Kern")
    assert [one.kind for one in drifts_of(INTENT, by_mia, BOOKING, imported=True)] == [DriftKind.STAFF]


def test_its_booking_is_not_taken_for_ours() -> None:
    """I4 speaks of bookings of ours; the control is the same row, had it not been taken over."""
    row = Row(INTENT, "ref", "uid_642", START, imported=True)
    assert found(row, LIFE) == set()
    assert found(replace(row, imported=False), LIFE) == {"I4"}


def test_its_booking_may_be_older_than_what_was_listed() -> None:
    """Whether it is there at all reconciliation asks, one by one."""
    row = Row(INTENT, "ref", "uid_642", START, imported=True)
    assert found(row) == set()
    assert found(replace(row, imported=False)) == {"I2"}


def test_a_time_that_differs_is_told_of_it_as_well() -> None:
    """It would be told to callers."""
    row = Row(INTENT, "ref", "uid_642", START + timedelta(hours=1), imported=True)
    assert found(row, LIFE) == {"I2"}
