"""The inspection: the invariants, asked of a live ledger and of its calendar.

The ledger is read in one transaction, then the calendar by list pages behind the gate, as background: a caller's
budget is never touched. Then the ledger is read again. What moved meanwhile moved lawfully or will be seen next time:
a violation is told only if it holds with both readings. Nothing is written, in the ledger or in the calendar, but
what the gate notes of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from einmal.domain.evidence import INVARIANTS, Row, Violation
from einmal.domain.intent import BOOKED
from einmal.domain.invariants import violations
from einmal.domain.model import Booking
from einmal.flows.witness import AS_FAR_AS, NOT_HERE, Listed, changed, evidence, operation, unsettled
from einmal.ports import Calendar, Clock, CommitUnknown, History, Ledger, LedgerUnavailable, Page

CLOCKS_DIFFER: Final = timedelta(hours=25)
"""Pages are read back this much further than the window: they are dated by the calendar's clock, rows by ours."""

PAGE_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 1.0
TRIES_MAX: Final = 3
"""Fewer failures than open the breaker, which would shut callers out too."""

HELD_BACK_SECONDS_MAX: Final = 90.0
"""How long the gate may keep one page waiting. A calendar that has throttled us is left alone for a minute."""

PAGES_MAX: Final = 2_000
AT_ONCE: Final = 500


class CouldNotLook(Exception):
    """The calendar or the ledger could not be read. Says which and why, in a few words of ours."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was looked at and what was found. `young`: intents whose doubts may lawfully go on, or whose booking need
    not be listed yet. `moved`: findings that one reading of the ledger had and the other had not. `unasked`: intents
    that were taken over from another program, and whose bookings were not listed: they may be older than any page."""

    since: datetime
    at: datetime
    total: int
    intents: int
    young: int
    unread_intents: int
    bookings: int
    unread_bookings: int
    pages: int
    complete: bool
    ownership: bool
    moved: int
    violations: tuple[Violation, ...]
    unasked: int = 0

    @property
    def findings(self) -> tuple["Finding", ...]:
        """One for each invariant, in their order."""
        return tuple(self._finding(invariant) for invariant in INVARIANTS)

    def _finding(self, invariant: str) -> "Finding":
        broken = tuple(one for one in self.violations if one.invariant == invariant)
        if broken:
            return Finding(invariant, Standing.VIOLATED, AS_FAR_AS.get(invariant, ""), broken)
        if invariant == "I4" and not self.ownership:
            return Finding(invariant, Standing.NOT_CHECKED, "ownership is switched off, so it is not promised")
        if invariant in NOT_HERE:
            return Finding(invariant, Standing.NOT_CHECKED, NOT_HERE[invariant])
        if invariant == "I2" and not self.complete:
            return Finding(invariant, Standing.HELD, "not all bookings could be read, and absence is no proof")
        if invariant == "I2" and self.unasked:
            why = f"not of {self.unasked:,} that were taken over, see `einmal reconcile`; {AS_FAR_AS[invariant]}"
            return Finding(invariant, Standing.HELD, why)
        return Finding(invariant, Standing.HELD, AS_FAR_AS.get(invariant, ""))


class Standing(StrEnum):
    HELD = "held"
    VIOLATED = "violated"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one invariant stands. `why`: why it is not checked, or how far it could be."""

    invariant: str
    standing: Standing
    why: str
    violations: tuple[Violation, ...] = ()


Told = Callable[[int, int], None]
"""Called after each page with how many pages and how many bookings have been read."""


@dataclass(slots=True)
class _Reading:
    bookings: dict[str, Booking] = field(default_factory=dict)
    pages: int = 0
    unread: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Inspection:
    tenant_id: str
    history: History
    ledger: Ledger
    calendar: Calendar
    clock: Clock
    ownership: bool
    """False in seed mode: then rows may hold bookings that are not ours by their id."""
    neighbours: tuple[str, ...] = ()
    """Other tenants of the same account at Cal.com: their bookings are listed there, and have rows of theirs."""

    async def run(self, since: datetime, told: Told = lambda _pages, _bookings: None) -> Inspected:
        """Look at intents made, or with a slot that begins, since then. Raises CouldNotLook."""
        try:
            before = await self.history.recorded(self.tenant_id, since)
            oldest = min([since, *(row.intent.created_at for row in before.rows)])
            reading = await self._pages(oldest - CLOCKS_DIFFER, told)
            after = await self.history.recorded(self.tenant_id, since)
            known = await self._known(tuple(reading.bookings.values()), after.rows)
        except (LedgerUnavailable, CommitUnknown) as failure:
            raise CouldNotLook(f"the ledger cannot be read ({type(failure).__name__})") from failure
        now = self.clock.now()
        complete = reading.complete and not reading.unread
        listed = Listed(since, tuple(reading.bookings.values()), known, complete)
        first, second = (
            violations(evidence(recorded, listed, now, ownership=self.ownership)) for recorded in (before, after)
        )
        both = [found for found in second if found in set(first)]
        return Inspected(
            since=since,
            at=now,
            total=after.total,
            intents=len(after.rows),
            young=len(unsettled(after.rows, listed, now)),
            unread_intents=after.unread,
            bookings=len(reading.bookings),
            unread_bookings=reading.unread,
            pages=reading.pages,
            complete=complete,
            ownership=self.ownership,
            moved=len({*first} ^ {*second}),
            violations=tuple(dict.fromkeys(both)),
            unasked=sum(_unasked(row, reading.bookings) for row in after.rows),
        )

    async def _pages(self, back_to: datetime, told: Told) -> _Reading:
        """All bookings that were made or changed since then, by the calendar's clock."""
        reading = _Reading()
        newest = await self._read_until(reading, lambda changes: min(changes) < back_to, told)
        if newest is not None and reading.pages > 1:
            # What changed while we read has moved to the front, away from pages that were still to come.
            await self._read_until(reading, lambda changes: min(changes) <= newest, told)
        return reading

    async def _read_until(
        self, reading: _Reading, enough: Callable[[Sequence[datetime]], bool], told: Told
    ) -> datetime | None:
        """Pages from the front until it is enough; the newest change on the first of them."""
        newest, unread = None, 0
        for number in range(PAGES_MAX):
            page = await self._page(number)
            changes = [at for booking in page.bookings if (at := changed(booking)) is not None]
            newest = max(changes, default=None) if number == 0 else newest
            reading.bookings.update((booking.uid, booking) for booking in page.bookings)
            reading.pages += 1
            unread += page.unread
            told(reading.pages, len(reading.bookings))
            if page.last or (changes and enough(changes)):
                break
        else:
            reading.complete = False
        reading.unread = max(reading.unread, unread)
        return newest

    async def _page(self, number: int) -> Page:
        tries, waited = 0, 0.0
        while True:
            look = await self.calendar.changes(number, self.clock.monotonic() + PAGE_SECONDS)
            if isinstance(look, Page):
                return look
            if look.heard is None:
                waited += PAUSE_SECONDS
            else:
                tries += 1
            if tries >= TRIES_MAX or waited > HELD_BACK_SECONDS_MAX:
                raise CouldNotLook(f"the calendar's page {number + 1} cannot be read ({look.why})")
            await self.clock.sleep(PAUSE_SECONDS)

    async def _known(self, bookings: Sequence[Booking], rows: Sequence[Row]) -> frozenset[str]:
        """The operation ids on these bookings that the ledger holds, whether or not their intents are in the window."""
        held = {row.intent.operation_id for row in rows}
        asked = sorted({marked for booking in bookings if (marked := operation(booking)) is not None} - held)
        for number in range(0, len(asked), AT_ONCE):
            some = asked[number : number + AT_ONCE]
            for tenant_id in (self.tenant_id, *self.neighbours):
                held |= {intent.operation_id for intent in await self.ledger.by_operations(tenant_id, some)}
        return frozenset(held)


def _unasked(row: Row, listed: Mapping[str, Booking]) -> bool:
    return row.imported and row.intent.state in BOOKED and row.uid not in listed
