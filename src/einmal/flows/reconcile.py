"""Reconciliation: ledger and calendar are compared as a whole; what is ours is mended, the rest is listed.

Two passes, each by pages from a cursor that only grows. First what changed at the calendar since it was last read; then
what is still to come, from both sides at once: whatever the ledger holds there and the calendar did not list is read by
itself. One step is one page, and ends in one commit with what it found: a process that dies loses a page, and memory
holds no more than one, however many bookings there are.

Differences are settled by a read of their own (`observe`), never by a list: a list may be older than the ledger.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from einmal.domain.drift import Drift, DriftKind, twice, window_after
from einmal.domain.facts import Alarm
from einmal.domain.model import Booking
from einmal.flows.ghosts import Ghosts
from einmal.flows.observe import Gone, Observation, Observed
from einmal.ports import (
    Blind,
    Calendar,
    Clock,
    Ids,
    ListedBy,
    Observer,
    Page,
)
from einmal.ports.reconciling import Counts, LostRun, Phase, ReconcilingBooks, Run

CLOCKS_DIFFER: Final = timedelta(hours=25)
OVERLAP: Final = timedelta(minutes=10)
"""Read again each time: a replica that lags shows a change late, and under its own time."""

JUST_BEGUN: Final = timedelta(hours=24)
"""From how long ago on appointments are compared one by one."""

LEASE: Final = timedelta(minutes=2)
PAGE_SECONDS: Final = 10.0
ROWS: Final = 200
STUCK_SECONDS: Final = 1800.0
IDLE_SECONDS: Final = 30.0
"""How often it is asked whether there is something to do, where there was nothing."""

EVERY_SECONDS: Final = 3600.0

OF_UPCOMING: Final = (
    *(DriftKind.GHOST, DriftKind.PERSON_TWICE, DriftKind.ORPHAN, DriftKind.NOT_MARKED),
    *(DriftKind.REVIVED, DriftKind.DOUBLED, DriftKind.UNREADABLE),
)
"""Kinds that the second pass would have found again if they were still so."""


class HeldUp(Exception):
    """The calendar could not be read now. `asked`: whether it was asked at all; `settled`: how many differences the
    step has settled so far, which it will not read again."""

    def __init__(self, why: str, *, asked: bool, settled: int = 0) -> None:
        super().__init__(why)
        self.asked = asked
        self.settled = settled


@dataclass(frozen=True, slots=True)
class Slice:
    """What one step read: bookings in order, and where to go on; None at the end."""

    bookings: tuple[Booking, ...]
    unread: int
    pages: int
    until: datetime | None


@dataclass(slots=True)
class Reconciliation:
    """One tenant's. Whoever has two bookings for times that overlap is found where both stand on one page; for one
    time, always."""

    observation: Observation
    books: ReconcilingBooks
    calendar: Calendar
    clock: Clock
    ids: Ids
    observer: Observer
    every_seconds: float = EVERY_SECONDS
    """How often it is done by itself; 0 for never."""
    _idle_until: float = field(default=0.0, init=False)
    _run: Run | None = field(default=None, init=False)
    """The one that this process is at."""
    _read: dict[str, tuple[Drift, ...]] = field(default_factory=dict, init=False)
    """What the step under way has settled: a gate that shuts in between costs none of it."""
    _part: Slice | None = field(default=None, init=False)
    _progress: tuple[int, float] = field(default=(0, 0.0), init=False)

    async def begin(self, since: datetime | None = None, every: float | None = None) -> Run | None:
        """Go on with the run that is open, or begin one: None where somebody is at it, or it is too soon.

        `since`: how far back changes are read; without it to where the last run came, or to the ledger's first row.
        """
        self._forget()
        now = self.clock.now()
        return await self.books.begin(await self.planned(since), now, now + LEASE, every=every)

    async def planned(self, since: datetime | None = None) -> Run:
        """A run that has not begun, and is written nowhere."""
        now = self.clock.now()
        last = await self.books.last(self._tenant_id)
        until = None if last is None else last.changed_until
        if until is not None:
            # Never from later on: what lies between would never be read.
            since = min(since or until, until - OVERLAP)
        elif since is None:
            since = (await self.books.oldest(self._tenant_id) or now) - CLOCKS_DIFFER
        run_id = self.ids.time_ordered()
        return Run(run_id, self._tenant_id, Phase.CHANGED, since, since, until, now, Counts())

    async def step(self, run: Run, *, mend: bool = True) -> tuple[Run, tuple[Drift, ...]]:
        """One page more, and what it found. Raises HeldUp, LostRun, LedgerUnavailable or CommitUnknown.

        Without `mend` nothing is written, and the run is only what is returned.
        """
        if run.phase is Phase.CHANGED:
            after, found = await self._changed(run, mend=mend)
        else:
            after, found = await self._upcoming(run, mend=mend)
        after = replace(after, counts=_counted(after.counts, found))
        if after.phase is Phase.ENDED:
            after = replace(after, ended_at=self.clock.now())
        if mend:
            now = self.clock.now()
            after = await self.books.step(after, found, now, now + LEASE)
        self._forget()
        if mend and after.ended_at is not None:
            await self.books.close_drifts(run.tenant_id, OF_UPCOMING, run.began_at, after.ended_at)
            await Ghosts(self.observation, self.books, self.clock, self.observer).conclude(after)
        return after, found

    def _forget(self) -> None:
        """What the step under way has read: it is done, or somebody else does it."""
        self._read.clear()
        self._part = None

    async def turn(self) -> bool:
        """One step, of the open run or of one that is due; whether one was made."""
        if not self.every_seconds or self.clock.monotonic() < self._idle_until:
            return False
        run, self._run = self._run, None
        run = run or await self.begin(every=self.every_seconds)
        try:
            if run is not None:
                run, _ = await self.step(run)
        except HeldUp as held:
            self._run = run
            self._waits(held)
            return False
        except LostRun:
            run = None  # somebody else goes on
            self._forget()
        if run is None or run.ended_at is not None:
            self._idle_until = self.clock.monotonic() + IDLE_SECONDS
        else:
            self._run = run
        self._progress = (0, self.clock.monotonic())
        return run is not None

    def _waits(self, held: HeldUp) -> None:
        """An alarm where nothing has gone on for long."""
        settled, since = self._progress
        now = self.clock.monotonic()
        if held.settled != settled:
            self._progress = (held.settled, now)
        elif now - since > STUCK_SECONDS:
            self._progress = (held.settled, now)
            self.observer.observe((Alarm(self.clock.now(), "reconciliation_stuck", None, str(held)),))

    @property
    def _tenant_id(self) -> str:
        return self.observation.standings.tenant.tenant_id

    async def _changed(self, run: Run, *, mend: bool) -> tuple[Run, tuple[Drift, ...]]:
        part = await self._slice(ListedBy.CHANGE, run.cursor)
        found, counts = await self._compared(part, run.counts, mend=mend)
        changes = [at for booking in part.bookings if (at := booking.updated_at or booking.created_at) is not None]
        # A date from far ahead would hide all changes until it is there.
        ahead = self.clock.now() + CLOCKS_DIFFER
        known = [] if run.changed_until is None else [run.changed_until]
        newest = max([*(at for at in changes if at <= ahead), *known], default=None)
        if part.until is not None:
            return replace(run, cursor=part.until, changed_until=newest, counts=counts), found
        begin = _to_the_second(self.clock.now() - JUST_BEGUN)
        return replace(run, phase=Phase.UPCOMING, cursor=begin, changed_until=newest, counts=counts), found

    async def _upcoming(self, run: Run, *, mend: bool) -> tuple[Run, tuple[Drift, ...]]:
        part = await self._slice(ListedBy.START, run.cursor)
        found, counts = await self._compared(_unseen(run, part), run.counts, mend=mend)
        window: tuple[Booking, ...] = ()
        for booking in part.bookings:
            found += twice(window, booking)
            window = window_after(window, booking)
        listed = {booking.uid for booking in part.bookings}
        rows, after = 0, None
        while some := await self.books.standing(self._tenant_id, run.cursor, part.until, after, ROWS):
            rows, after = rows + len(some), some[-1].intent
            for row in some:
                uid = row.intent.booking_uid
                if uid is not None and uid not in listed and not row.changing:
                    found += await self._settled(uid, mend=mend)
        phase = Phase.UPCOMING if part.until is not None else Phase.ENDED
        counts = replace(counts, rows=counts.rows + rows)
        return replace(run, phase=phase, cursor=part.until or run.cursor, counts=counts), found

    async def _slice(self, by: ListedBy, since: datetime) -> Slice:
        """A page, and more of it where all of a page are of one instant: where to go on must lie beyond.

        Kept until the step is done: what is left of a budget goes to what it has shown, and not to it again.
        """
        if self._part is None:
            self._part = await self._listed(by, since)
        return self._part

    async def _listed(self, by: ListedBy, since: datetime) -> Slice:
        bookings: list[Booking] = []
        unread, pages, rows = 0, 0, 0
        while True:
            page = await self._page(by, since, rows)
            pages, unread, rows = pages + 1, unread + page.unread, rows + len(page.bookings) + page.unread
            bookings += page.bookings
            if page.last:
                return Slice(tuple(bookings), unread, pages, None)
            newest = max((_place(by, booking) for booking in bookings), default=since)
            if newest > since:
                # Those of the last instant come again, all of them.
                kept = tuple(booking for booking in bookings if _place(by, booking) < newest)
                return Slice(kept, unread, pages, newest)

    async def _page(self, by: ListedBy, since: datetime, skip: int) -> Page:
        look = await self.calendar.listed(by, since, skip, self.clock.monotonic() + PAGE_SECONDS)
        if isinstance(look, Blind):
            raise HeldUp(look.why, asked=look.heard is not None, settled=len(self._read))
        return look

    async def _compared(self, part: Slice, counts: Counts, *, mend: bool) -> tuple[tuple[Drift, ...], Counts]:
        compared = await self.observation.compare(part.bookings)
        found: tuple[Drift, ...] = ()
        for one in compared:
            if one.drifts:
                found += await self._settled(one.booking.uid, mend=mend)
        ours = sum(one.row is not None for one in compared)
        foreign = sum(one.row is None and one.booking.status.live for one in compared)
        return found, replace(
            counts,
            pages=counts.pages + part.pages,
            bookings=counts.bookings + len(part.bookings),
            unread=counts.unread + part.unread,
            ours=counts.ours + ours,
            foreign=counts.foreign + foreign,
        )

    async def _settled(self, uid: str, *, mend: bool) -> tuple[Drift, ...]:
        """One difference, by a read of its own. Raises HeldUp where it may not be asked now."""
        found = self._read.get(uid)
        if found is not None:
            return found
        match await self.observation.look(uid, mend=mend):
            case Blind(why, heard=None):
                raise HeldUp(why, asked=False, settled=len(self._read))
            case Blind(why):
                # One that cannot be read must not keep all others from being compared.
                found = (Drift(DriftKind.UNREADABLE, uid, detail=why),)
                self.observation.told(found)
            case Gone(rows):
                found = tuple(Drift(DriftKind.GHOST, uid, row.intent.intent_id) for row in rows)
            case Observed(row=None, drifts=found):
                self.observation.told(found)
            case Observed(drifts=found):
                pass
        self._read[uid] = found
        return found


def _place(by: ListedBy, booking: Booking) -> datetime:
    """Where it stands in the listing."""
    return booking.start if by is ListedBy.START else booking.updated_at or booking.created_at or _LONG_AGO


_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _unseen(run: Run, part: Slice) -> Slice:
    """But for those that the first pass has compared: each is counted once."""

    def is_seen(booking: Booking) -> bool:
        changed = booking.updated_at or booking.created_at
        return changed is not None and run.changed_until is not None and run.since <= changed <= run.changed_until

    return replace(part, bookings=tuple(booking for booking in part.bookings if not is_seen(booking)))


def _to_the_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _counted(counts: Counts, found: Sequence[Drift]) -> Counts:
    by_kind = Counter(counts.found) + Counter(drift.kind.value for drift in found)
    return replace(counts, found=dict(by_kind), mended=counts.mended + sum(drift.mended for drift in found))
