"""The inspection's pages: how far they are read, what moves between them, and when it gives up."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from einmal.domain.evidence import Row, Violation
from einmal.domain.gate import Heard
from einmal.domain.intent import State
from einmal.domain.model import Booking
from einmal.flows.inspect import HELD_BACK_SECONDS_MAX, CouldNotLook, Inspected, Inspection
from einmal.flows.witness import LAG
from einmal.ports import Blind, LedgerUnavailable, Page, Recorded
from einmal.simulator.virtual import VirtualClock, run_virtual
from support.evidence import OURS, THEIRS, booking, intent


def broken(seen: Inspected) -> set[str]:
    return {one.invariant for one in seen.violations}


@dataclass
class Pages:
    """A calendar that is only listed, newest change first. `answers` come before its pages."""

    bookings: list[Booking]
    answers: list[Any] = field(default_factory=list)
    size: int = 2
    unread: int = 0
    asked: list[int] = field(default_factory=list)
    before_page: Callable[[int], None] = lambda _: None

    async def changes(self, page: int, deadline: float) -> Page | Blind:
        self.before_page(len(self.asked))
        self.asked.append(page)
        if self.answers:
            return self.answers.pop(0)
        self.bookings.sort(key=lambda one: one.updated_at or NEVER, reverse=True)
        rows = self.bookings[page * self.size : (page + 1) * self.size]
        return Page(tuple(rows), self.unread, last=len(rows) < self.size)


@dataclass
class Books:
    """A ledger that says the same each time it is read."""

    rows: tuple[Row, ...] = ()
    failure: Exception | None = None

    async def recorded(self, tenant_id: str, since: datetime) -> Recorded:
        if self.failure is not None:
            raise self.failure
        return Recorded(self.rows, len(self.rows))

    async def by_operations(self, tenant_id: str, operation_ids: Any) -> tuple[Any, ...]:
        return tuple(row.intent for row in self.rows if row.intent.operation_id in operation_ids)


NEVER = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK = VirtualClock()


def seen_at(pages: Pages, books: Books | None = None, days: int = 30) -> Inspected:
    made: Any = books or Books()
    calendar: Any = pages

    async def look() -> Inspected:
        inspection = Inspection("default", made, made, calendar, CLOCK, ownership=True)
        return await inspection.run(CLOCK.now() - timedelta(days=days))

    return run_virtual(look())


def listed(number: int, days_ago: float, **changes: Any) -> Booking:
    at = CLOCK.start - timedelta(days=days_ago)
    return booking(uid=f"uid-{number}", metadata={}, created_at=at, updated_at=at, **changes)


def test_pages_are_read_back_to_the_window_and_the_front_once_more() -> None:
    """A day and an hour further, for the two clocks may differ; and no page beyond."""
    pages = Pages([listed(number, number) for number in range(100)])
    seen = seen_at(pages, days=5)
    assert pages.asked == [0, 1, 2, 3, 0]
    assert (seen.pages, seen.bookings, seen.complete) == (5, 8, True)
    one = Pages([listed(0, 0)])
    seen_at(one)
    assert one.asked == [0], "from one page nothing can have moved away"
    old = Row(replace(intent(State.REJECTED), created_at=CLOCK.start - timedelta(days=20)))
    pages = Pages([listed(number, number) for number in range(100)])
    seen_at(pages, Books((old,)), days=5)
    assert len(pages.asked) == 13, "as far back as the oldest of the window's intents"


def test_a_booking_that_changes_while_the_pages_are_read_is_not_missed() -> None:
    """It moves to the front, away from the page that was still to come."""
    row = Row(replace(intent(State.CONFIRMED, booking_uid="uid-4"), created_at=CLOCK.start), "ref", "uid-4", None)
    bookings = [listed(number, number) for number in range(6)]
    marked = {"einmal_op": OURS}
    bookings[4] = replace(bookings[4], metadata=marked)
    row = replace(row, start=bookings[4].start)

    def change(number: int) -> None:
        if number == 1:
            pages.bookings[4] = replace(pages.bookings[4], updated_at=CLOCK.start + timedelta(seconds=1))

    pages = Pages(bookings, before_page=change)
    resting = replace(row, intent=replace(row.intent, resolved_at=CLOCK.start - LAG))
    assert seen_at(pages, Books((resting,))).violations == ()
    missing = Pages([one for one in bookings if one.uid != "uid-4"])
    assert broken(seen_at(missing, Books((resting,)))) == {"I2", "I5"}, "the control: it is seen where it is missing"


def test_what_cannot_be_read_is_no_proof_of_absence() -> None:
    resting = replace(intent(State.CONFIRMED, booking_uid="uid-9"), resolved_at=CLOCK.start - LAG)
    books = Books((Row(resting, "ref", "uid-9", None),))
    seen = seen_at(Pages([], unread=1), books)
    assert (seen.violations, seen.unread_bookings, seen.complete) == ((), 1, False)
    assert broken(seen_at(Pages([]), books)) == {"I2", "I5"}


def test_a_booking_with_an_id_of_nobodys_is_an_orphan() -> None:
    """If it changed in the window; what carries no id of our kind is somebody else's."""
    orphan, old, other = (replace(listed(n, days), metadata={"einmal_op": mark}) for n, days, mark in (
        (1, 2, THEIRS), (2, 5.5, OURS), (3, 2, "REF-1")))  # fmt: skip
    seen = seen_at(Pages([orphan, old, other]), days=5)
    assert seen.violations == (Violation("I3", "booking uid-1 has no row"),)


SHUT, FAILED = Blind("budget", None), Blind("timeout", Heard.FAILED)


@pytest.mark.parametrize(
    ("answers", "reads"),
    [
        ([SHUT] * 90, True),
        ([SHUT] * 91, False),
        ([FAILED] * 2, True),
        ([FAILED] * 3, False),
        ([SHUT, FAILED] * 2, True),
    ],
)
def test_it_waits_for_the_gate_and_gives_a_failing_calendar_up(answers: list[Blind], reads: bool) -> None:
    """Before its own failures could open the breaker for everybody."""
    assert HELD_BACK_SECONDS_MAX == 90
    pages = Pages([], answers=list(answers))
    if reads:
        assert seen_at(pages).violations == ()
    else:
        with pytest.raises(CouldNotLook, match=r"page 1 cannot be read \((budget|timeout)\)"):
            seen_at(pages)


def test_a_ledger_that_cannot_be_read_is_said() -> None:
    with pytest.raises(CouldNotLook, match="the ledger cannot be read"):
        seen_at(Pages([]), Books(failure=LedgerUnavailable("gone")))
